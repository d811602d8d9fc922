/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nginx_user.h: who may connect to a FastCGI program. What nginx says of a request (the address, the
 * client certificate that it verified) is believed, so nobody else may say it.
 */
#ifndef FLEETPORT_CGI_NGINX_USER_H
#define FLEETPORT_CGI_NGINX_USER_H

#include "lib/config.h"

#include <stdbool.h>

/* The user id of [section] nginx_user, for web_fastcgi_options.peer_uid. Called before threads
 * start. ERR_CONFIG: there is no such user. */
bool nginx_user_find(const struct config *config, const char *section, long *uid, struct err *e)
        __attribute__((warn_unused_result, nonnull(1, 2, 3)));

#endif
