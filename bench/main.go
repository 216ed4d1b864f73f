// Command bench measures the cloud against controls in the same run and prints ratios: absolute numbers mean little on a shared machine.
//
//	go run ./bench              rates at 16 connections, start, memory
//	go run ./bench -store postgres://...
//	go run ./bench -move        the exclusive window of a move, by assets (slow: it loads a million)
//	go run ./bench -mover       a whole move, command by command; -scales 2,21,2100 are about 1,000, 10,000 and 1,000,000 assets; -az 200 does the same with az
//
// The control is a minimal TLS server without ARM logic: one synced SQLite transaction (or one PostgreSQL transaction) per PUT, one keyed read per GET.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var (
		asControl = flag.String("control", "", "internal: run as the control server, on an SQLite file or a postgres:// address")
		dir       = flag.String("dir", "", "internal: where the control says how to reach it")
		dsn       = flag.String("store", "", "measure on PostgreSQL, postgres://...: an empty database that the bench may fill")
		moves     = flag.Bool("move", false, "measure the window of a move by assets")
		sizes     = flag.String("sizes", "1000,100000,1000000", "with -move: numbers of assets")
		mover     = flag.Bool("mover", false, "measure capture, plan, rehearse, apply and verify of one workspace")
		scales    = flag.String("scales", "2,21", "with -mover: how many times as large contoso is, about 480 assets each")
		rehearsed = flag.Bool("rehearse", true, "with -mover: rehearse the plan as well")
		az        = flag.Int("az", 0, "with -mover: do the same with a script of az commands, and put so many data versions with it")
		count     = flag.Int("n", 10_000, "resources")
		rounds    = flag.Int("rounds", 3, "interleaved rounds; medians are printed")
	)
	flag.Parse()
	var err error
	switch {
	case *asControl != "":
		err = serveControl(ctx, *asControl, *dir)
	case *mover:
		err = benchMover(ctx, *scales, *az, *rehearsed)
	case *moves:
		err = benchMoves(ctx, *sizes)
	default:
		err = benchRates(ctx, *dsn, *count, *rounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// benchRates compares PUT, GET and LIST of the cloud with the control, in interleaved rounds.
func benchRates(ctx context.Context, dsn string, count, rounds int) error {
	results := map[string][]figures{}
	for round := range rounds {
		for _, name := range []string{"control", "cloud"} {
			f, err := measure(ctx, name, dsn, count)
			if err != nil {
				return fmt.Errorf("%s, round %d: %w", name, round+1, err)
			}
			results[name] = append(results[name], f)
			fmt.Printf("round %d  %-8s PUT %7.0f/s %4d µs  GET %7.0f/s %4d µs  ready %4.0f ms  idle %5.1f MB  after %5.1f MB  list %5.0f ms\n", round+1, name, f.put, f.putCPU.Microseconds(), f.get, f.getCPU.Microseconds(),
				f.ready.Seconds()*1000, f.idle, f.after, f.list.Seconds()*1000)
		}
	}
	printRates(results["cloud"], results["control"], dsn, count)
	return nil
}

// printRates prints medians. A machine is now faster and now slower: each round is compared with its own control.
func printRates(cloud, control []figures, dsn string, count int) {
	median := func(pick func(of, control figures) float64) float64 {
		var values []float64
		for i, f := range cloud {
			values = append(values, pick(f, control[i]))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	putAim := 2.0
	if dsn != "" {
		putAim = 0.7
	}
	fmt.Printf("\nmedians of %d rounds, %d resources, 16 connections\n", len(cloud), count)
	fmt.Printf("  durable PUT   %.2f of the control (aim %.1f)\n", median(func(f, c figures) float64 { return f.put / c.put }), putAim)
	fmt.Printf("  versions      %.2f of the control: a version is counted by its container, two rows in one transaction\n", median(func(f, c figures) float64 { return f.versions / c.put }))
	fmt.Printf("  GET           %.2f of the control (aim 0.75)\n", median(func(f, c figures) float64 { return f.get / c.get }))
	fmt.Printf("  LIST          %.0f ms (aim 100 ms for 10,000)\n", median(func(f, _ figures) float64 { return f.list.Seconds() * 1000 }))
	fmt.Printf("  ready         %.0f ms on an existing folder (aim 30)\n", median(func(f, _ figures) float64 { return f.ready.Seconds() * 1000 }))
	fmt.Printf("  memory        %.0f MB idle (aim 40), %.0f MB after (aim 60)\n", median(func(f, _ figures) float64 { return f.idle }), median(func(f, _ figures) float64 { return f.after }))
}

// figures are what one round gives.
type figures struct {
	put, get       float64 // per second
	versions       float64 // PUT of asset versions, which writes two rows
	ready, list    time.Duration
	putCPU, getCPU time.Duration // of the server, for one request
	idle, after    float64       // MB of resident memory
}
