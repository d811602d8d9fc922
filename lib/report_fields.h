/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_fields.h: the report's field tables, shared by report.c (which holds them),
 * the reader (report_reader.h) and report_write.c. Nobody else includes this.
 */
#ifndef FLEETPORT_LIB_REPORT_FIELDS_H
#define FLEETPORT_LIB_REPORT_FIELDS_H

#include "lib/report.h"

/* What a field holds, and so the C type of its member. */
enum field_kind {
	FIELD_TEXT,     /* const char * */
	FIELD_WORD,     /* int, by words */
	FIELD_INT,      /* struct report_int */
	FIELD_REAL,     /* struct report_real */
	FIELD_TIME,     /* struct report_int, RFC 3339 on the wire */
	FIELD_OBJECT,   /* members of the same struct, in an object of their own */
	FIELD_LIST,     /* pointer to structs, and their count */
	FIELD_WORDS,    /* pointer to texts, and their count: a list of keywords */
	FIELD_REASONS,  /* pointer to struct report_reason, and their count */
	FIELD_AMOUNTS,  /* pointer to struct report_amount, and their count: {colour: ml} */
	FIELD_SETTINGS, /* struct report_settings: {name: scalar} */
};

/* A closed list of words; the number of a word is its place, gaps are NULL. */
struct words {
	const char *const *names;
	int count;
};

struct field {
	const char *name; /* NULL ends a table */
	enum field_kind kind;
	bool required;
	bool upper; /* FIELD_TEXT: codes that are kept in upper case */
	size_t offset;
	size_t count_offset; /* lists: of their size_t count */
	size_t max;          /* longest text in bytes; most elements */
	const struct words *words;
	const struct field *fields; /* FIELD_OBJECT, FIELD_LIST: what is inside */
	size_t size;                /* FIELD_LIST: of an element */
};

extern const struct field report_root_fields[];   /* of struct report; without schema, devices */
extern const struct field report_device_fields[]; /* of struct report_device */
extern const struct words report_severity_words;

#endif
