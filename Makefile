# What CI runs is .ci/run; `make verify` is exactly that.
.PHONY: help build test race lint generate bench verify
help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'
build: ## the program, without a C compiler
	CGO_ENABLED=0 go build -o amlmove ./cmd/amlmove
test: ## all tests
	go test ./...
race: ## tests with the race detector where it fits
	go test -race -short ./internal/... ./cloudtest/...
lint: ## gofmt, vet, staticcheck
	test -z "$$(gofmt -l $$(git ls-files '*.go'))"
	go vet ./...
	go tool staticcheck ./...
generate: ## the pages and goldens that tests write
	go test ./test/contract ./test/clause ./internal/rules -update
bench: ## ratios against a control in the same run
	go run ./bench
	go run ./bench -move
verify: ## everything that must hold before a change lands
	bash .ci/run
