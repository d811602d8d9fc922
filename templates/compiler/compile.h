/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile.h: a template becomes C.
 *
 *   {{ include "templates/device.h" }}          outside of functions: a header for the generated
 * ones
 *   {{ define page_device(struct out *out, const struct device_page *p) }} … {{ end }}
 *   {{ define static row(struct out *out, …) }} … {{ end }}   seen in this template only
 *   {{ if (…) }} … {{ else if (…) }} … {{ else }} … {{ end }}
 *   {{ for (…; …; …) }} … {{ end }}
 *   {{ let const struct supply *s = &p->supplies[i] }}
 *   {{ render row(out, s) }}                    calls another template function, in text only
 *   {{ p->device.model }}                       printed by its C type, escaped for where it stands
 *   {{ _("Sign in") }}                          a text for translators
 *   {{ unsafe p->html }}                        not escaped: the one name to look for with grep
 *   {{! a comment }}
 *
 * What is refused, and why, is in html.h.
 */
#ifndef FLEETPORT_TEMPLATES_COMPILER_COMPILE_H
#define FLEETPORT_TEMPLATES_COMPILER_COMPILE_H

#include "lib/buf.h"
#include "lib/error.h"

struct template_source {
	const char *name; /* "templates/device.html": for messages, #line and the include guard */
	const char *text;
	size_t len;
};

/* Appends the C source and its header. The header is included as "NAME.h". false: *e holds
 * "name:line: what is wrong"; what was appended until then is of no use. */
bool template_compile(const struct template_source *template, struct buf *source,
        struct buf *header, struct err *e) __attribute__((warn_unused_result, nonnull));

#endif
