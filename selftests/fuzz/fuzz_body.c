// SPDX-License-Identifier: GPL-2.0-only
/*
 * body - any JSON that the API is given, as an endpoint, a credential or a rule, is taken or
 * refused with a reason; what was taken means the same when it is read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "credential_body.h"
#include "endpoint_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of what is shown; nothing is here. */
json_t *upstreams_json(struct endpoint *e)
{
	return (void)e, NULL;
}

static void refused(const struct fault *f)
{
	if (f->status < 400 || !*f->msg)
		abort();
}

static void as_endpoint(const json_t *in)
{
	struct endpoint_spec s;
	char host[ENDPOINT_NAME_MAX];
	struct fault f = {0};
	const char *name;
	json_t *v;
	int err = 0;

	memset(&s, 0, sizeof(s));
	json_object_foreach((json_t *)in, name, v) {
		err = endpoint_json_set(&s, name, v, &f);
		if (err)
			break;
	}
	if (err || endpoint_spec_check(&s, host, &f))
		refused(&f);
	endpoint_spec_done(&s);
}

static void as_credential(const json_t *in, bool has_key)
{
	struct credential cr = {.acl = NULL};
	struct fault f = {0};

	if (credential_body_read(in, has_key, &cr, &f) || credential_check_acl(cr.acl, &f)) {
		refused(&f);
	} else {
		credential_allows(cr.acl, "app.example.com");
		credential_allows(cr.acl, "tcp.example.com:4000");
		credential_allows_labels(cr.acl, "app=web\ndc=fra");
	}
	credential_body_done(&cr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *in = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(in)) {
		as_endpoint(in);
		as_credential(in, false);
		as_credential(in, true);
	}
	json_decref(in);
	return 0;
}
