// A command in Go, over WASI preview 1: gives its input back, with the tool's id and what it reads from a folder.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	var input struct {
		Path string `json:"path"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&input); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	text, err := os.ReadFile(input.Path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	fmt.Fprintln(os.Stderr, "hello from Go")
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"tool": os.Args[1], "text": string(text)})
}
