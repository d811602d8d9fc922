/* SPDX-License-Identifier: Apache-2.0 */
/* fleetport-support: the site of service partners and the operator. */
#include "cgi/support/routes.h"

static const struct config_option options[] = {SITE_OPTIONS("support"), {.section = NULL}};

static bool run(struct program_run *program, struct err *e)
{
	return site_run(&support_site, program, e);
}

int main(int argc, char **argv)
{
	static const struct program program = {
	        .name = "fleetport-support",
	        .summary = "Serves the site of service partners and the operator to nginx over "
	                   "FastCGI.",
	        .options = options,
	        .run = run,
	};

	return program_main(&program, argc, argv);
}
