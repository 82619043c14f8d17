##@ Web app

TEMPL := github.com/a-h/templ/cmd/templ@v0.3.977
APP_VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

FRONTEND := app/web/frontend
# npm writes this file last: it is there if, and only if, the packages are.
FRONTEND_PACKAGES := $(FRONTEND)/node_modules/.package-lock.json
APP_LOOK := app/web/dist/manifest.json

.PHONY: app-build app-release app-dev app-test app-test-mysql app-browser-deps app-screenshots bench-app app-compat app-fuzz app-assets app-generate verify-app-generate app-deps

app-build: app-look | $(BIN) ## Build the web app (bin/app): one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(APP_VERSION)" -o $(BIN)/app ./cmd/app

RELEASE_URL ?= https://releases.example.com/user-management/$(APP_VERSION)

app-release: app-look ## Build the web app for every architecture into dist/, with checksums (APP_VERSION=1.5.0, RELEASE_URL=https://…)
	@hack/app-release.sh "$(APP_VERSION)" "$(RELEASE_URL)"

app-deps:
	@hack/prerequisites.sh lab/database

app-dev: app-deps app-build ## Try the web app: own database, people to look at, loopback only (DATABASE=mysql)
	@$(call use-database,$(DATABASE)) $(GO) run ./lab/appdev -app $(BIN)/app

# Chromium, npm, and from npm axe-core and the look that the tests judge.
app-browser-deps: app-deps
	@hack/prerequisites.sh app/browser
	@$(MAKE) $(APP_LOOK)

# `make test` runs the browser's tests as well, and fails rather than leave them out.
test: app-browser-deps
test: export UMS_BROWSER_TESTS ?= required

# Those that touch data, on the server that RDS runs; Debian's stable release has MariaDB only.
app-test-mysql: app-deps ## Run the web app's tests on a real MySQL, which is fetched into the cache first
	@$(call use-database,mysql) $(GO) test -p 2 -timeout 30m $(filter-out %/browser %/web,$(shell $(GO) list ./app/...)) ./cmd/app ./lab/database ./lab/rds

app-test: app-browser-deps ## Run the web app's tests, those in a real browser too
	UMS_BROWSER_TESTS=required $(GO) test -p 2 -timeout 30m ./app/... ./cmd/app/... ./lab/database/... ./internal/hostcontract/...

app-screenshots: app-browser-deps ## Take a picture of every page into docs/img
	UMS_SCREENSHOTS=$(CURDIR)/docs/img UMS_BROWSER_TESTS=required $(GO) test -count=1 -timeout 30m -run "TestEveryPage|TestPagesThat|TestThePaletteGoes" ./app/browser

bench-app: app-deps app-build | $(BIN) ## Measure the web app beside bare net/http + SQL
	$(GO) build -o $(BIN)/appbench ./lab/appbench
	$(BIN)/appbench -app $(BIN)/app

# The release whose hosts still serve while the first host of this one has migrated: the newest tag before this commit, or
# where it all began.
PREVIOUS ?= $(shell git describe --tags --abbrev=0 HEAD^ 2>/dev/null || git rev-list --max-parents=0 HEAD | tail -n 1)

# Both have the same look, which is not in the repository: a release is built with one, or both without.
app-compat: app-deps app-look | $(BIN) ## Run this release and the one before on one database (PREVIOUS=a tag or commit, DATABASE=mysql)
	@source=$$(mktemp -d); trap 'rm -rf "$$source"' EXIT; \
	 git archive $(PREVIOUS) | tar -x -C "$$source"; cp -R app/web/dist/. "$$source/app/web/dist/"; \
	 (cd "$$source" && CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-X main.version=previous" -o "$(CURDIR)/$(BIN)/app-previous" ./cmd/app)
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-X main.version=new" -o $(BIN)/app-new ./cmd/app
	@echo "app-compat: this tree and the release before, $$(git log -1 --format='%h of %as, %s' $(PREVIOUS))"
	@$(call use-database,$(DATABASE)) UMS_COMPAT_PREVIOUS_APP="$(CURDIR)/$(BIN)/app-previous" UMS_COMPAT_NEW_APP="$(CURDIR)/$(BIN)/app-new" \
	 $(GO) test -count=1 -v -timeout 15m ./test/compat

FUZZTIME ?= 10s
app-fuzz: ## Fuzz CSV, forwarded headers, hash strings and filters, for FUZZTIME each
	$(GO) test -run '^$$' -fuzz FuzzReadImport -fuzztime $(FUZZTIME) ./app/users
	$(GO) test -run '^$$' -fuzz FuzzQuery -fuzztime $(FUZZTIME) ./app/users
	$(GO) test -run '^$$' -fuzz FuzzParse -fuzztime $(FUZZTIME) ./app/password
	$(GO) test -run '^$$' -fuzz FuzzClientIP -fuzztime $(FUZZTIME) ./app/server

app-assets: ## Build the Tabler look and htmx from npm into app/web/dist
	@rm -f $(APP_LOOK)
	@$(MAKE) $(APP_LOOK)

# The app is whole without it, in a plain style of its own, so a machine without npm is no obstacle to a try.
.PHONY: app-look
app-look:
	@if command -v npm >/dev/null; then $(MAKE) $(APP_LOOK); else \
	  echo "npm is missing: the app gets its plain look (apt-get install npm, then make app-assets, for the other)"; fi

$(FRONTEND_PACKAGES): $(FRONTEND)/package-lock.json
	cd $(FRONTEND) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

$(APP_LOOK): $(FRONTEND_PACKAGES) $(FRONTEND)/build.mjs $(wildcard app/web/*.templ app/web/static/*.js)
	cd $(FRONTEND) && node build.mjs

app-generate: ## Generate Go code from the pages' templates
	$(GO) run $(TEMPL) generate -path app/web
	gofmt -w app/web/*_templ.go

# In a copy, so that a failed check leaves this tree as it was.
verify: verify-app-generate
verify-app-generate: ## Check that the generated code is that of the templates
	@copy=$$(mktemp -d); trap 'rm -rf "$$copy"' EXIT; cp app/web/*.templ "$$copy"; \
	 $(GO) run $(TEMPL) generate -path "$$copy" >/dev/null 2>&1; gofmt -w "$$copy"; \
	 for file in "$$copy"/*_templ.go; do \
	   cmp --silent "$$file" "app/web/$${file##*/}" || { echo "app/web/$${file##*/} is not what its template makes: run make app-generate and commit" >&2; exit 1; }; \
	 done; echo "verify-app-generate: the pages' generated code is current"
