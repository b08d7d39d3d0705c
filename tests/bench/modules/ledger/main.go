// Command ledger adds up the rows on standard input, sheet by sheet.
//
// A row is one JSON object: {"sheet": "travel", "cents": 1250}. The sums come out as one JSON object.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

type row struct {
	Sheet string `json:"sheet"`
	Cents int64  `json:"cents"`
}

func sums(rows io.Reader) (map[string]int64, error) {
	found := map[string]int64{}
	decoder := json.NewDecoder(rows)
	for number := 1; ; number++ {
		var next row
		switch err := decoder.Decode(&next); {
		case errors.Is(err, io.EOF):
			return found, nil
		case err != nil:
			return nil, fmt.Errorf("row %d: %w", number, err)
		}
		found[next.Sheet] += next.Cents
	}
}

func main() {
	found, err := sums(os.Stdin)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(found)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
