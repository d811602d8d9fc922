/* SPDX-License-Identifier: Apache-2.0 */
/* fleetport-user: the customers' site. */
#include "cgi/user/routes.h"

static const struct config_option options[] = {SITE_OPTIONS("user"), {.section = NULL}};

static bool run(struct program_run *program, struct err *e)
{
	return site_run(&user_site, program, e);
}

int main(int argc, char **argv)
{
	static const struct program program = {
	        .name = "fleetport-user",
	        .summary = "Serves the customers' site to nginx over FastCGI.",
	        .options = options,
	        .run = run,
	};

	return program_main(&program, argc, argv);
}
