/* SPDX-License-Identifier: Apache-2.0 */
/* The template compiler: any bytes give C or a refusal. */
#include "templates/compiler/compile.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf c = BUF_INIT(1 << 20), h = BUF_INIT(1 << 20);
	struct err e = ERR_CLEAR;
	bool ok = template_compile(
	        &(struct template_source){
	                .name = "f.html", .text = (const char *)data, .len = size},
	        &c, &h, &e);

	if (ok != (e.code == ERR_NONE))
		abort();
	buf_free(&c);
	buf_free(&h);
	return 0;
}
