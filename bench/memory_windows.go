package main

import "os/exec"

// peak is not known here.
func peak(*exec.Cmd) float64 { return 0 }
