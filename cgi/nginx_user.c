/* SPDX-License-Identifier: Apache-2.0 */
#include "cgi/nginx_user.h"

#include <errno.h>
#include <pwd.h>

bool nginx_user_find(const struct config *config, const char *section, long *uid, struct err *e)
{
	const char *name = config_text(config, section, "nginx_user");
	struct passwd *user;

	errno = 0;
	user = getpwnam(name);
	if (user == NULL)
		return err_set(
		        e, ERR_CONFIG, "[%s] nginx_user: there is no user \"%s\"", section, name);
	*uid = (long)user->pw_uid;
	return true;
}
