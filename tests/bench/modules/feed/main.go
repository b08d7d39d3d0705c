// Command feed fetches the newest entries of the ledger's feed and prints their titles.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"
)

const address = "https://feed.northwind.example/v1/entries"

func titles() ([]string, error) {
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Get(address)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", address, response.Status)
	}
	var entries []struct {
		Title string `json:"title"`
	}
	if err := json.NewDecoder(response.Body).Decode(&entries); err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	found := make([]string, 0, len(entries))
	for _, entry := range entries {
		found = append(found, entry.Title)
	}
	return found, nil
}

func main() {
	found, err := titles()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, title := range found {
		fmt.Println(title)
	}
}
