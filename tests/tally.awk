# SPDX-License-Identifier: Apache-2.0
# tally.awk: adds up what a log of TAP and of cmocka says: "PASSED FAILED SKIPPED" in the first line, then the name
# of each test that was skipped. cmocka lists what failed and was skipped once more at its end: that is passed over.
/^\[=+\] Running/ { again = 0 }
/^\[=+\] [0-9]+ test\(s\) run/ { again = 1 }
/^[[:space:]]*ok [0-9]/ {
	if (!/# SKIP/) {
		passed++
		next
	}
	sub(/^[[:space:]]*ok [0-9]+ (- )?/, "")
	name[++skipped] = $0
	next
}
/^[[:space:]]*not ok [0-9]/ { failed++ }
again { next }
/^\[       OK \]/ { passed++ }
/^\[  FAILED  \] [A-Za-z_0-9]+$/ { failed++ }
/^\[  SKIPPED \] [A-Za-z_0-9]+$/ { name[++skipped] = $NF }
END {
	print passed + 0, failed + 0, skipped + 0
	for (i = 1; i <= skipped; i++)
		print name[i]
}
