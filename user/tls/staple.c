// SPDX-License-Identifier: GPL-2.0-only
#include "staple.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "pair.h"

/* What it says about the certificate <leaf>.  0 or -1 with <f>. */
static int check(OCSP_RESPONSE *r, X509 *leaf, time_t *ret_until, struct fault *f)
{
	OCSP_BASICRESP *basic = NULL;
	OCSP_SINGLERESP *single;
	ASN1_GENERALIZEDTIME *next = NULL;
	ASN1_INTEGER *serial;
	struct tm tm;
	int reason, ret = -1;

	if (OCSP_response_status(r) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return fault_set(f, 400, 0, "", "the OCSP response says %s",
				 OCSP_response_status_str(OCSP_response_status(r)));
	basic = OCSP_response_get1_basic(r);
	single = basic ? OCSP_resp_get0(basic, 0) : NULL;
	if (!single) {
		fault_set(f, 400, 0, "", "the OCSP response is empty");
		goto out;
	}
	OCSP_id_get0_info(NULL, NULL, NULL, &serial,
			  (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single));
	if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf))) {
		fault_set(f, 400, 0, "", "the OCSP response is for another certificate");
		goto out;
	}
	if (OCSP_single_get0_status(single, &reason, NULL, NULL, &next) != V_OCSP_CERTSTATUS_GOOD) {
		fault_set(f, 400, 0, "", "the OCSP response does not call the certificate good");
		goto out;
	}
	if (!next || ASN1_TIME_to_tm(next, &tm) != 1 || timegm(&tm) <= time(NULL)) {
		fault_set(f, 400, 0, "", "the OCSP response is out of date");
		goto out;
	}
	*ret_until = timegm(&tm);
	ret = 0;
out:
	OCSP_BASICRESP_free(basic);
	return ret;
}

int staple_read(struct pair *p, int fd, struct fault *f)
{
	unsigned char *der = malloc(STAPLE_MAX);
	const unsigned char *at = der;
	OCSP_RESPONSE *r = NULL;
	ssize_t len =
		der ? read(fd, der, STAPLE_MAX) : -1; /* of a file: whole, or it is too large */
	int ret = -1;

	if (len > 0)
		r = d2i_OCSP_RESPONSE(NULL, &at, len);
	if (!r || at != der + len)
		fault_set(f, 400, 0, "", "is not an OCSP response in DER");
	else
		ret = check(r, p->leaf, &p->ocsp_until, f);
	OCSP_RESPONSE_free(r);
	ERR_clear_error();
	if (ret) {
		free(der);
		return -1;
	}
	p->ocsp = der;
	p->ocsp_len = (size_t)len;
	return 0;
}
