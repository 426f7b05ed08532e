// SPDX-License-Identifier: GPL-2.0-only
/* fuzz_filter - any text is a filter that can be asked, or is refused with a column. */
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct facts facts = {.server_port = 443, .server_name = "app.example.com"};
	struct sockaddr_storage sa;
	struct fault f = {.msg = ""};
	struct filter *fl = NULL;
	socklen_t sa_len;
	char *text = malloc(len + 1);

	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	addr_parse("192.0.2.7:1", &sa, &sa_len);
	cidr_of(&sa, &facts.client_ip);
	if (!filter_new(text, &fl, &f))
		filter_match(fl, &facts);
	else if (f.status != 400 || !*f.msg)
		abort();
	filter_free(fl);
	free(text);
	return 0;
}
