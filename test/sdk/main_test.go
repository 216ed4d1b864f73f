// Package sdk runs the official Go SDKs, and HashiCorp's stricter one, against the cloud (client-wire 8): they have their own opinion of every status
// code, header and body.
package sdk

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // HashiCorp's SDK logs every request
	flag.Parse()
	if err := flag.Set("test.parallel", "24"); err != nil { // pollers wait more than they work
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
