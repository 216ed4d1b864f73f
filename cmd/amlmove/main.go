// Command amlmove moves Azure Machine Learning workspaces between subscriptions and resource groups, and is the cloud in which such moves are
// rehearsed. All of it is in internal/cli.
package main

import (
	"os"

	"github.com/amlmove/amlmove/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
