# What a developer does here. `make` builds; the rest is in the README.
BENCH ?= ../shared/bench
export CGO_ENABLED = 0

.PHONY: build test check bench fuzz clean

build:
	go build -trimpath -ldflags='-s -w' -o relay .

test:
	go test ./...

check:
	./.ci/run

# relay beside Postfix and the bare listener, the same load in turn; needs root,
# Debian's postfix, opendkim and strace, and the bench folder (BENCH=...).
bench: build
	testdata/bench/run.sh $(BENCH)

fuzz:
	FUZZTIME=300000x ./.ci/run

clean:
	rm -f relay
