# shellcheck shell=bash
# Building, shared by ./run and ./test. Sourced, with ROOT set to the repository's folder.

ARTIFACTS=$ROOT/artifacts
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

if command -v sha256sum >/dev/null; then sha256=(sha256sum); else sha256=(shasum -a 256); fi # macOS has the second

# sources_of FOLDER...: the names of the files that are built, each ended by a null byte. What a build, an editor or a test run leaves is none.
sources_of() {
  (cd "$ROOT" && find "$@" -type d \( -name bin -o -name obj -o -name node_modules -o -name dist -o -name journeys \) -prune -o -type f -not -name '*.md' -print0)
}

# fingerprint_of: of the files named on standard input. The contents decide, not the times: switching branches back and forth must neither
# rebuild nor miss a change.
fingerprint_of() { (cd "$ROOT" && LC_ALL=C sort -z | xargs -0 "${sha256[@]}" | "${sha256[@]}" | cut -c 1-16); }

need_sdk() {
  if ! command -v dotnet >/dev/null; then
    # The installer script of .NET puts it here without touching PATH.
    [ -x "${HOME:-}/.dotnet/dotnet" ] || {
      echo "Stowline needs the .NET 10 SDK, and there is no 'dotnet' on PATH. Get it from https://dotnet.microsoft.com/download/dotnet/10.0" >&2
      return 1
    }
    export DOTNET_ROOT=${HOME:-}/.dotnet PATH=${HOME:-}/.dotnet:$PATH
  fi
  dotnet --list-sdks | grep -q '^10\.' || {
    echo "Stowline needs the .NET 10 SDK; 'dotnet' is here but has only: $(dotnet --list-sdks | cut -d' ' -f1 | paste -sd' ' -)" >&2
    echo "Get it from https://dotnet.microsoft.com/download/dotnet/10.0" >&2
    return 1
  }
}

# with_build_lock COMMAND...: one build at a time in this checkout. The lock's descriptor is not handed to the command, because the
# compiler server that a build leaves behind would inherit it and keep everybody out for as long as it lives.
with_build_lock() {
  mkdir -p "$ARTIFACTS"
  if ! command -v flock >/dev/null; then "$@"; return; fi
  (
    flock -n 9 || { echo "waiting for another build to end ..." >&2; flock 9; }
    "$@" 9>&-
  ) 9>"$ARTIFACTS/build.lock"
}

# logged LOG COMMAND...: the output goes to the log and is shown only when the command fails.
logged() {
  local log=$1; shift
  "$@" >>"$log" 2>&1 </dev/null && return 0
  # The errors are few and the rest is long; when no line is marked as an error, the end of the log says what happened.
  grep -E '(: |^)error [A-Z]+[0-9]+' "$log" | sort -u | head -n 100 >&2 || tail -n 40 "$log" >&2
  echo "The build failed; the whole output is in $log" >&2
  return 1
}

# restore PROJECT LOG: exactly what the lock files say. A developer who just changed a version gets the lock files rewritten and is
# told so; CI never does, since there a lock file that does not fit is the mistake to be found.
restore() {
  local locks
  mkdir -p "$(dirname "$2")"; : >"$2"
  locks=$(find "$ROOT/src" "$ROOT/tests" "$ROOT/bench" -name packages.lock.json -not -path '*/obj/*' -not -path '*/bin/*' 2>/dev/null | head -n 1)
  if [ "${CI:-}" = true ]; then logged "$2" dotnet restore "$1" --locked-mode; return; fi
  if [ -n "$locks" ]; then
    dotnet restore "$1" --locked-mode >"$2" 2>&1 </dev/null && return 0
    # NU1004: the lock file does not fit the project. Anything else is tried again below and shown if it fails again.
    if grep -q NU1004 "$2"; then echo "Package lock files do not fit the projects and are written anew; commit them if the change was meant." >&2; fi
    : >"$2"
  fi
  logged "$2" dotnet restore "$1"
}

# build PROJECT LOG: Release.
build() { restore "$1" "$2" && logged "$2" dotnet build "$1" -c Release --no-restore; }
