#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Do the counts of tests/run come out right? A log with everything in it, in both forms.
set -euo pipefail
want='3 2 2
of_four
five # SKIP no recordings'
found=$(awk -f "$(dirname "$0")/tally.awk" <<'LOG'
[==========] Running 4 test(s).
[ RUN      ] of_one
[       OK ] of_one
[ RUN      ] of_two
[  ERROR   ] --- [   LINE   ] --- x.c:1: error: Failure!
[  FAILED  ] of_two
[ RUN      ] of_four
[  SKIPPED ] of_four
[==========] 4 test(s) run.
[  PASSED  ] 1 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] of_four
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] of_two

 1 FAILED TEST(S)
[==========] Running 1 test(s).
[       OK ] of_three
[==========] 1 test(s) run.
ok 1 - whole
# Subtest: five
ok 2 - five # SKIP no recordings
    not ok 3 - six
LOG
)
if [ "$found" != "$want" ]; then
	printf 'wanted:\n%s\nfound:\n%s\n' "$want" "$found"
	exit 1
fi
