// SPDX-License-Identifier: GPL-2.0-only
/*
 * snisplitd - main() and wiring; see snisplitd(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "api.h"
#include "config.h"
#include "config_check.h"
#include "edge_open.h"
#include "file_check.h"
#include "kern.h"
#include "log.h"
#include "notify.h"
#include "options.h"
#include "store.h"
#include "takeover.h"
#include "tls.h"
#include "upgrade.h"
#include "watchdog.h"

#define ELDERS_END_MS 5000 /* an event file that is stuck is waited for two seconds */
#define FOLLOW_STEPS 4
#define SESSION_STEPS                                                               \
	40 /* of 50 ms: the longest that agents stay with a daemon that is replaced \
	    */

enum { EXIT_OK, EXIT_USAGE, EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_KERNEL };

struct daemon {
	struct options options;
	int given_datapath; /* on the command line, or -1 */
	sigset_t signals;
	struct edge *edge;
	struct api *api;
	struct takeover *takeover; /* the edge's; NULL: started by itself */
	bool paused;		   /* the API is, for an upgrade */
};

/* Of what was asked for: EXIT_OK when all of it is out. */
static int printed(void)
{
	if (fflush(stdout))
		log_err("stdout: %s", strerror(errno));
	else if (ferror(stdout)) /* why is long forgotten */
		log_err("stdout: not all of it could be written");
	else
		return EXIT_OK;
	return EXIT_USAGE;
}

static void print_datapath(int datapath)
{
	char why[400] = "";

	if (datapath == DATAPATH_USERSPACE)
		printf("datapath: splice (userspace is asked for)\n");
	else if (kern_probe(why, sizeof(why)))
		printf("datapath: kernel (the BPF programs load; self-test %s)\n", why);
	else
		printf("datapath: %s (%s)\n",
		       datapath == DATAPATH_KERNEL ? "none, it would not start" : "splice", why);
}

static int print_version(const struct options *o)
{
	char why[400] = "";

	printf("snisplitd %s\n", VERSION);
	printf("libraries: libbpf %s, SQLite %s, %s, %s, %s\n", kern_libbpf_version(),
	       store_library_version(), api_library_versions(), events_library_version(),
	       tls_library_version());
	printf("kernel: %s\n", kern_release());
	print_datapath(o->datapath);
	if (tls_ktls_available(why, sizeof(why)))
		printf("kernel TLS: available\n");
	else
		printf("kernel TLS: not available (%s)\n", why);
	return printed();
}

static void reload(struct edge *g)
{
	struct fault f = {.msg = ""};

	notify("RELOADING=1");
	if (edge_reload(g, &f))
		log_err("reload: %s", f.msg);
	notify("READY=1");
}

static bool is_stop(int sig)
{
	return sig == SIGTERM || sig == SIGINT;
}

/*
 * Earlier daemons end what they have, too, and their events are in the file before we are gone: who
 * has started us may kill what we leave behind.
 */
static void end_elders(struct edge *g, const sigset_t *set)
{
	const struct timespec step = {.tv_nsec = 20 * 1000 * 1000};
	unsigned left = ELDERS_END_MS, n = takeover_look_after_elders(g);

	if (!n)
		return;
	log_info("ending %u earlier daemons", n);
	takeover_end_elders(g);
	while (left >= 20 && n && !is_stop(sigtimedwait(set, NULL, &step))) {
		n = takeover_look_after_elders(g);
		left -= 20;
	}
	if (n)
		log_warn("%u earlier daemons are not waited for any longer", n);
}

/* Until all connections have ended, the time is up or a second signal comes. */
static void drain(struct edge *g, const sigset_t *set)
{
	const struct timespec step = {.tv_nsec = 20 * 1000 * 1000};
	unsigned left = edge_config(g)->timeouts.drain;

	notify("STOPPING=1");
	log_info("draining: %u connections, up to %u ms", edge_conns_active(g), left);
	edge_drain(g);
	takeover_drain_elders(g);
	/* (the service manager kills what the unit's main process leaves behind) */
	while (left >= 20 && (takeover_look_after_elders(g) || edge_conns_active(g))) {
		if (is_stop(sigtimedwait(set, NULL, &step)) ||
		    upgrade_heir_wants(g) == HANDOVER_END)
			break;
		left -= 20;
	}
	end_elders(g, set);
	if (edge_conns_active(g))
		log_info("ending %u connections", edge_conns_active(g));
}

static void pause_api(void *arg)
{
	struct daemon *d = arg;

	d->paused = true;
	api_pause(d->api);
}

/* True: another daemon is there, and this one has only to finish what it has. */
static bool upgrade(struct daemon *d)
{
	static const char *const datapaths[] = {"auto", "kernel", "userspace"};
	const struct config *c = edge_config(d->edge);
	char *argv[8] = {(char *)upgrade_program()}, main_pid[32], why[200];
	struct upgrade_how how = {.path = argv[0],
				  .argv = argv,
				  .control = c->control_socket,
				  .http = c->http.text,
				  .arg = d,
				  .pause = pause_api};
	struct upgrade_result r;
	struct api_sockets s;
	int n = 1;

	if (d->options.config) {
		argv[n++] = (char *)"-c";
		argv[n++] = (char *)d->options.config;
	}
	if (d->given_datapath != -1) {
		argv[n++] = (char *)"--datapath";
		argv[n++] = (char *)datapaths[d->given_datapath];
	}
	if (log_level() == LOG_LEVEL_DEBUG)
		argv[n++] = (char *)"-v";
	api_sockets(d->api, &s);
	how.control_fd = s.control;
	how.http_fd = s.http;
	d->paused = false;
	edge_raise(d->edge, true); /* for the new one, and to take back what that one has */
	upgrade_run(d->edge, &how, &r);
	edge_raise(d->edge, false);
	upgrade_tell(d->edge, &r);
	if (r.pid) {
		api_leave(d->api);
		snprintf(main_pid, sizeof(main_pid), "MAINPID=%u", r.pid);
		notify(main_pid);
		return true;
	}
	if (d->paused && api_start(d->api, why, sizeof(why)))
		log_err("after an upgrade that failed: %s", why);
	return false;
}

/* The next daemon serves; what could not move ends when it ends. */
static void retire(struct daemon *d)
{
	const struct timespec step = {.tv_nsec = 50 * 1000 * 1000};
	int sig, left = SESSION_STEPS, n = 0;

	api_close(d->api);
	d->api = NULL;
	while (edge_conns_active(d->edge) || events_held(edge_events(d->edge))) {
		if (++n % FOLLOW_STEPS == 0)
			upgrade_follow(d->edge);
		/* agents go to the next daemon when nobody here waits for them any more */
		if (left && (!--left || !upgrade_conns_starting(d->edge))) {
			left = 0;
			edge_leave_agents(d->edge);
		}
		sig = sigtimedwait(&d->signals, NULL, &step);
		if (sig == SIGUSR1)
			events_reopen(edge_events(d->edge));
		if (is_stop(sig) || upgrade_heir_wants(d->edge)) {
			drain(d->edge, &d->signals);
			return;
		}
	}
}

static void serve(struct daemon *d)
{
	const struct timespec look = {.tv_nsec = 200 * 1000 * 1000}, idle = {.tv_sec = 1};
	unsigned elders = takeover_look_after_elders(d->edge);
	struct watchdog *w = watchdog_start(d->edge);
	bool replaced;

	for (;;) {
		switch (sigtimedwait(&d->signals, NULL, elders ? &look : &idle)) {
		case SIGHUP:
			watchdog_busy(w, true);
			reload(d->edge);
			watchdog_busy(w, false);
			break;
		case SIGUSR1:
			events_reopen(edge_events(d->edge));
			break;
		case SIGUSR2:
			watchdog_busy(w, true);
			replaced = upgrade(d);
			watchdog_busy(w, false);
			if (!replaced)
				break;
			watchdog_stop(w);
			retire(d);
			return;
		case SIGTERM:
		case SIGINT:
			watchdog_stop(w);
			drain(d->edge, &d->signals);
			return;
		}
		elders = takeover_look_after_elders(d->edge);
		watchdog_turned(w);
	}
}

static struct config *read_config(const struct options *o)
{
	const char *path = o->config ? o->config : DEFAULT_CONFIG;
	struct config *c;

	if (o->check && (o->config || !access(path, F_OK)))
		return config_inspect(path, file_check, stderr);
	c = o->config ? config_read(path, stderr) : config_read_if_there(path, stderr);
	if (c && !c->file && !o->check)
		log_info("no %s; using the defaults", c->missing);
	return c;
}

static uint32_t chosen_mutant(void)
{
#ifdef MUTANT
	static const char *const names[] = {"none",	      "naive_close",   "no_kick",
					    "redirect_empty", "helper_return", "delete_unread"};
	const char *name = getenv("SNISPLIT_MUTANT");
	uint32_t i;

	for (i = 1; name && i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return i;
#endif
	return MUTANT_NONE;
}

/* What is to be asked of the file or of the daemon that runs, without becoming one. */
static int ask(const struct options *o, const struct config *c)
{
	char why[600];
	unsigned pid;
	int err;

	if (o->check) {
		config_warn(c, stderr);
		printf("%s: %s\n", o->config ? o->config : DEFAULT_CONFIG,
		       c->file ? "fine" : "not there: all defaults, which are fine");
		print_datapath(o->datapath == -1 ? (int)c->datapath : o->datapath);
		return printed();
	}
	err = upgrade_ask(c->control_socket, &pid, why, sizeof(why));
	if (!err) {
		printf("pid %u serves now\n", pid);
		return printed();
	}
	log_err("%s", why);
	return err == -ECONNREFUSED ? EXIT_UNREACHABLE : EXIT_USAGE;
}

/* Signals that main waits for.  Before any thread is made: they all inherit it. */
static void block_signals(sigset_t *set)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(set, signals[i]);
	sigprocmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Everything is open, nothing serves.  EXIT_OK, or what to exit with. */
static int open_all(struct daemon *d, struct config *config, char *why, size_t why_size)
{
	struct api_sockets given = {-1, -1};
	enum datapath datapath = (enum datapath)d->options.datapath;
	struct takeover *t = NULL;
	int fd = takeover_fd(), err = 0;

	if (fd != -1)
		err = takeover_begin(fd, &t, why, why_size);
	if (!err)
		err = edge_open(config, datapath, chosen_mutant(), t, &d->edge, why, why_size);
	if (err) {
		takeover_refuse(t, why);
		takeover_free(t);
		config_free(config);
		return err == -ENOTSUP ? EXIT_KERNEL : EXIT_USAGE;
	}
	given.control = takeover_listener(t, HANDOVER_USE_CONTROL, config->control_socket, 0);
	given.http = takeover_listener(t, HANDOVER_USE_HTTP, config->http.text, 0);
	d->api = api_open(d->edge, edge_store(d->edge), config, &given, why, why_size);
	if (!d->api) {
		takeover_refuse(t, why);
		return EXIT_USAGE;
	}
	if (t && takeover_adopt(t, d->edge, why, why_size))
		takeover_give_up(t, why);
	d->takeover = t;
	return EXIT_OK;
}

static void close_all(struct daemon *d)
{
	api_close(d->api);
	if (!d->edge)
		return;
	edge_stop(d->edge);
	edge_close(d->edge);
}

static int start_all(struct daemon *d, struct config *config)
{
	char why[600] = "";
	int status = open_all(d, config, why, sizeof(why));

	if (!status &&
	    (edge_start(d->edge, why, sizeof(why)) || api_start(d->api, why, sizeof(why)) ||
	     edge_confine(d->edge, why, sizeof(why)))) {
		status = EXIT_USAGE;
		if (d->takeover)
			takeover_give_up(d->takeover, why);
	}
	if (status)
		log_err("%s", why);
	else if (d->takeover)
		takeover_serve(d->takeover, d->edge);
	return status;
}

static void tell_ready(struct daemon *d)
{
	int fd = d->options.ready_fd;

	log_info("ready: %u endpoints", registry_count(edge_registry(d->edge)));
	notify("READY=1");
	if (fd == -1)
		return;
	if (write(fd, "\n", 1) < 0)
		log_warn("--ready-fd: %s", strerror(errno));
	close(fd);
}

int main(int argc, char **argv)
{
	struct daemon d = {.options.check = false};
	struct config *config;
	int status;

	if (options_parse(argc, argv, &d.options))
		return EXIT_USAGE;
	if (d.options.help)
		return printed();
	if (d.options.version)
		return print_version(&d.options);
	upgrade_remember_program();
	/* private keys are read from here on: no core dump, no debugger but root's */
	prctl(PR_SET_DUMPABLE, 0);
	config = read_config(&d.options);
	if (!config)
		return EXIT_USAGE;
	if (d.options.check || d.options.upgrade) {
		status = ask(&d.options, config);
		config_free(config);
		return status;
	}
	block_signals(&d.signals);
	d.given_datapath = d.options.datapath;
	if (d.options.datapath == -1)
		d.options.datapath = (int)config->datapath;
	status = start_all(&d, config);
	if (!status) {
		tell_ready(&d);
		serve(&d);
	}
	close_all(&d);
	return status;
}
