# make build   bin/cheese, with the window inside
# make demo    build, then a tracker and three racing peers
# make test    every test: Go with the race detector, the window's, a browser's
# make check   the slower checks: vet, formatting, cross-compiling, fuzzing, btcd interoperability
.PHONY: build demo test check window browser cross screenshot clean

GO ?= go
VERSION := $(shell git describe --tags --dirty 2>/dev/null || echo 0.1.0)
LDFLAGS := -s -w -X main.version=$(VERSION)
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

build: window
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/cheese ./cmd/cheese

demo: build
	./bin/cheese demo $(ARGS)

# The window is rebuilt only when one of its sources is newer than the last build.
window: web/dist/index.html

WINDOW_SOURCES := $(shell find window -path window/node_modules -prune -o -type f -print 2>/dev/null)

web/dist/index.html: window/node_modules/.installed $(WINDOW_SOURCES)
	cd window && npm run build
	touch $@

window/node_modules/.installed: window/package-lock.json
	cd window && npm ci --no-audit --no-fund
	touch $@

browser:
	./scripts/install-chromium

test: window browser
	cd window && npm test
	$(GO) test -race -timeout 9m ./...

check: window
	test -z "$$(gofmt -l $$(git ls-files '*.go'))"
	$(GO) vet ./...
	$(GO) mod verify
	$(MAKE) cross
	./scripts/fuzz 10s
	CHEESE_LONG=1 $(GO) test -count=1 -timeout 20m ./script ./chain ./mempool
	CHEESE_LONG=1 $(GO) test -count=1 -timeout 20m -run Simulation ./consensus
	CHEESE_INTEROP=1 $(GO) test -count=1 -timeout 20m -run 'Btcd' ./p2p/...

cross: window
	@for p in $(PLATFORMS); do echo "build $$p"; \
	  CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -o /dev/null ./cmd/cheese || exit 1; done

# The README's picture, as the browser test sees the window.
screenshot: window browser
	dir=$$(mktemp -d) && CHEESE_SCREENSHOTS=$$dir $(GO) test -count=1 -run TestTheFourButtons ./lab && cp $$dir/home-1280-light.png docs/window.png && rm -r $$dir

clean:
	rm -rf bin window/node_modules
	find web/dist -mindepth 1 ! -name .gitkeep -delete
