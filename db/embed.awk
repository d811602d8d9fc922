# SPDX-License-Identifier: Apache-2.0
# Turns schema files named STORE-NNN.sql into the C table of db/schema.h.
function close_entry() {
	if (open)
		print "\t}," 
	open = 0
}
BEGIN {
	print "/* Made from db/schema/ by db/embed.awk. */"
	print "#include \"db/schema.h\""
	print ""
	print "#include <stddef.h>"
	print ""
	print "const struct schema_step schema_steps[] = {"
}
FNR == 1 {
	close_entry()
	name = FILENAME
	sub(/.*\//, "", name)
	if (name !~ /^[a-z]+-[0-9][0-9][0-9]\.sql$/) {
		print "embed.awk: " name " is not named STORE-NNN.sql" > "/dev/stderr"
		exit 1
	}
	store = substr(name, 1, index(name, "-") - 1)
	version = substr(name, index(name, "-") + 1, 3) + 0
	print "\t{\"" store "\", " version ","
	open = 1
}
{
	gsub(/\\/, "\\\\")
	gsub(/"/, "\\\"")
	print "\t\t\"" $0 "\\n\""
}
END {
	close_entry()
	print "\t{NULL, 0, NULL},"
	print "};"
}
