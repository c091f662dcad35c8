#!/bin/bash
# tests/run.sh BUILD [FILTER] - runs every test of a build: the crash programs, the examples, the
# Criterion suite. Everything that they write is in one directory, removed at the end. Fails
# if anything failed or a sanitizer left a report. The runner's own summary comes last.
set -u

build=$(cd "$1" && pwd) || exit 2
filter=${2:-}
root=$(cd "$(dirname "$0")/.." && pwd)

work=$(mktemp -d "${TMPDIR:-/tmp}/libstore-tests-XXXXXX") || exit 2
# shellcheck disable=SC2317 # the trap calls it
clean_up() {
    chmod -R u+rwX "$work" 2>/dev/null
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
mkdir "$work/tmp" "$work/reports"

export STORE_BIN=$build STORE_SOURCE=$root TMPDIR=$work/tmp LC_ALL=C.UTF-8
export ASAN_OPTIONS="log_path=$work/reports/asan:allocator_may_return_null=1"
export LSAN_OPTIONS="suppressions=$root/tests/support/leaks:print_suppressions=0"
export UBSAN_OPTIONS="log_path=$work/reports/ubsan:halt_on_error=1:print_stacktrace=1"
export TSAN_OPTIONS="log_path=$work/reports/tsan:second_deadlock_stack=1"
unset STORE
failed=0

fail() {
    echo "FAILED: $*" >&2
    failed=1
}

# Each program of tests/crash is a whole test: exit status 0 is a pass. Examples get the
# path of a store to make.
run_programs() {
    local source name
    for source in "$root"/tests/crash/*.c; do
        [ -f "$source" ] || continue
        name=tests/crash/$(basename "$source" .c)
        echo "[crash] $name"
        timeout 300 "$build/$name" || fail "$name (exit status $?)"
    done
    for source in "$root"/examples/*.c; do
        [ -f "$source" ] || continue
        name=examples/$(basename "$source" .c)
        echo "[example] $name"
        timeout 60 "$build/$name" "$TMPDIR/$(basename "$name").store" >"$work/example.out" 2>&1 </dev/null || {
            fail "$name (exit status $?)"
            cat "$work/example.out"
        }
    done
}

[ -n "$filter" ] || run_programs

timeout 1500 "$build/tests/run" --timeout "${TEST_TIMEOUT:-240}" ${filter:+--filter "$filter"} \
    </dev/null 2>&1 | tee "$work/log" | grep --line-buffered -v '^\[====\] Synthesis:'
status=${PIPESTATUS[0]}
[ "$status" -eq 0 ] || fail "the suite (exit status $status)"
grep -q '^\[====\] Synthesis: Tested: [1-9]' "$work/log" || fail "no test ran"

for report in "$work"/reports/*; do
    [ -s "$report" ] || continue
    fail "a sanitizer reported"
    head -60 "$report" >&2
done

grep '^\[====\] Synthesis:' "$work/log"
exit "$failed"
