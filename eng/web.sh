# shellcheck shell=bash
# Building the screens (src/web), shared by ./run and ./test. Sourced after build.sh.

WEB=$ROOT/src/web
WEB_BUILT=$ARTIFACTS/web

# What is missing for building the screens, in one line; nothing when all is there.
web_missing() {
  command -v node >/dev/null || { echo "Node.js 20.19 or newer is missing"; return; }
  command -v npm >/dev/null || { echo "npm is missing"; return; }
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    echo "Node.js 20.19 or newer is needed, and this is $(node --version)"
}

web_fingerprint() { sources_of src/web | fingerprint_of; }

# Installs exactly what package-lock.json says, unless that is there already.
web_packages() {
  local log=$1 stamp=$WEB/node_modules/.stowline-lock
  cmp -s "$WEB/package-lock.json" "$stamp" && return 0
  (cd "$WEB" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 logged "$log" npm ci --no-progress) && cp "$WEB/package-lock.json" "$stamp"
}

# Builds the screens into a folder named by the hash of their sources, and prints it. A folder appears under its name only when it is complete.
build_web() {
  local log=$ARTIFACTS/build-web.log built part
  built=$WEB_BUILT/$(web_fingerprint)
  if [ ! -f "$built/index.html" ]; then
    echo "building the screens ..." >&2
    : >"$log"
    web_packages "$log" || return 1
    part=$WEB_BUILT/.part-$$
    mkdir -p "$WEB_BUILT"
    rm -rf "$WEB_BUILT"/.part-*
    (cd "$WEB" && logged "$log" ./node_modules/.bin/vite build --outDir "$part" --emptyOutDir) || return 1
    # Nobody runs from here: nodes have a copy of their own. So only the newest is kept.
    find "$WEB_BUILT" -mindepth 1 -maxdepth 1 -type d -not -name .part-\* -exec rm -rf {} +
    mv "$part" "$built"
  fi
  echo "$built"
}
