/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * config - what /etc/snisplit/snisplitd.yml says, with every default filled in.
 *
 * Parsed once at start and once a reload; immutable afterwards.  Owned by its
 * reader: config_free().  Keys whose feature this build lacks are errors, not
 * silence.
 */
#ifndef CONFIG_H
#define CONFIG_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "cidr.h"
#include "endpoint.h"
#include "events.h"

/* Ranges of addresses; each list of the file holds at most CONFIG_CIDRS_MAX, as every
 * connection is compared with all of them. */
#define CONFIG_CIDRS_MAX 256
struct config_cidrs {
	struct cidr *at;
	unsigned n;
};

enum datapath { DATAPATH_AUTO, DATAPATH_KERNEL, DATAPATH_USERSPACE };

/* LOG: what would be refused is logged by the kernel, and happens. */
enum sandbox { SANDBOX_ON, SANDBOX_LOG, SANDBOX_OFF };

enum config_tls_version { CONFIG_TLS_1_2, CONFIG_TLS_1_3 };

struct config_addr {
	struct sockaddr_storage sa;
	socklen_t len;
	char text[64]; /* as written, for messages */
	unsigned line; /* of the file; 0: a default */
};

#define CONFIG_TCP_LISTEN_MAX 4

struct config {
	char *file;    /* where it came from; NULL: built-in defaults */
	char *missing; /* ... as this one was not there; a reload looks again */
	struct config_addr *listen;
	unsigned n_listen;
	enum datapath datapath;
	enum sandbox sandbox;
	unsigned workers; /* 0: one per CPU */
	char *base_domain;
	char *default_endpoint; /* normalised name, or NULL for none */
	unsigned default_line;	/* where it was given */
	char *state_dir;
	char *control_socket; /* path */
	char *control_group;  /* name; missing on the system: owner only, with a warning */
	unsigned control_mode;
	struct config_addr http;   /* len 0: none */
	struct config_addr tunnel; /* where agents connect; len 0: nowhere */
	struct config_addr ssh;	   /* where ssh -R connects; len 0: nowhere */
	unsigned ssh_line;	   /* of the file; 0: it does not speak of it */
	struct {
		uint16_t first, last; /* ports that TCP endpoints may have; 0: there are none */
		struct config_addr listen[CONFIG_TCP_LISTEN_MAX]; /* their port says nothing */
		unsigned n_listen;
		char *host;    /* of their URLs; NULL: base_domain */
		unsigned line; /* where it was given; 0: it was not */
	} tcp;
	struct config_cidrs proxy_from; /* must start with a PROXY header */
	struct config_cidrs ip_deny;	/* refused by all endpoints */
	struct event_route *events;	/* a target once, with all that it is to get */
	unsigned n_events;
	struct {
		unsigned connections;  /* client connections held at once */
		uint32_t client_hello; /* bytes of one ClientHello handshake message */
		unsigned unrouted;     /* connections that have no endpoint yet */
	} limits;
	struct {
		unsigned client_hello, handshake, connect, idle, half_closed, drain,
			resolve; /* ms */
	} timeouts;
	struct {
		unsigned max_idle;
		unsigned max_age; /* ms */
	} pool;
	struct {
		enum config_tls_version min_version, max_version;
		char *certificates; /* directory; NULL: none */
		bool certificates_given;
		bool ktls_off; /* sessions stay out of the kernel, whatever it can do */
	} tls;
	struct endpoint_spec *endpoints; /* origin ENDPOINT_FILE; until config_forget_endpoints() */
	unsigned n_endpoints;
	unsigned bad_endpoints; /* mistakes in them, while the file is read */
};

/*
 * Reads <path>; NULL gives the defaults.  Every mistake is printed to <err> as
 * "FILE:LINE: what is wrong", not only the first.  Returns the config, or NULL
 * when there was at least one.
 */
struct config *config_read(const char *path, FILE *err);
/* The same, but a file that is not there is as good as an empty one. */
struct config *config_read_if_there(const char *path, FILE *err);
/*
 * config_read(), and then what else <look> can say of it: it prints to <err> too, how many
 * mistakes. Not if the file cannot be made sense of; but what it gets may have mistakes, fields
 * left out.
 */
typedef unsigned config_look_fn(const struct config *c, FILE *err);
struct config *config_inspect(const char *path, config_look_fn *look, FILE *err);
/* The same from a stream, called <file> in messages. */
struct config *config_parse(FILE *in, const char *file, FILE *err);
/* They are registered: the registry has its own copies, and of 100,000 two are dear. */
void config_forget_endpoints(struct config *c);
void config_free(struct config *c); /* NULL is fine */
#endif
