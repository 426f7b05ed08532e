# SPDX-License-Identifier: GPL-2.0-only
# snisplit - one non-recursive Makefile.  `make help` lists the targets.
O		?= .output
PREFIX		?= /usr
SBINDIR		?= $(PREFIX)/sbin
BINDIR		?= $(PREFIX)/bin
LIBDIR		?= $(PREFIX)/lib
INCLUDEDIR	?= $(PREFIX)/include
MANDIR		?= $(PREFIX)/share/man
UNITDIR		?= /lib/systemd/system
SYSUSERSDIR	?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR	?= $(PREFIX)/lib/tmpfiles.d
DOCDIR		?= $(PREFIX)/share/doc/snisplit
BASHCOMPDIR	?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR	?= $(PREFIX)/share/zsh/vendor-completions
FISHCOMPDIR	?= $(PREFIX)/share/fish/vendor_completions.d
D		= $(DESTDIR)
CLANG		?= clang
BPFTOOL		?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PKG_CONFIG	?= pkg-config
SAN		?=
MUTANT		?=
T		?= 60
MINUTES		?= 30
V		?= 0
Q		= $(if $(filter 1,$(V)),,@)
VERSION		:= 0.1.0

# Who may include whom: one line a room.  A wrong include is a compile error.
use.lib		:=
use.doc		:= lib
use.wire	:= lib
use.kern	:= lib wire
use.store	:= lib
use.tls		:= lib wire
use.relay	:= lib wire kern tls
use.event	:= lib doc
use.policy	:= lib wire kern
use.endpoint	:= lib wire kern store policy
use.credential	:= lib wire store policy endpoint
use.config	:= lib doc wire event policy endpoint
use.confine	:= lib
use.ssh		:= lib wire agent confine
use.agent	:= lib wire kern tls relay
use.edge	:= lib doc wire kern tls store relay event policy endpoint credential config confine
use.api		:= lib doc wire tls store relay event policy endpoint credential config edge
use.snisplit	:= lib doc wire agent
use.unit	:= lib doc wire kern tls relay store event policy endpoint credential config confine edge agent ssh
use.fuzz	:= lib doc wire event policy endpoint config ssh
use.kernel	:= lib wire
use.helpers	:= lib wire
use.bench	:= lib wire

# Who may see which library.
pkg.kern	:= libbpf libmnl
pkg.tls		:= libssl libcrypto
pkg.store	:= sqlite3
pkg.event	:= jansson libcurl
pkg.doc		:= yaml-0.1 jansson
pkg.edge	:= jansson
pkg.api		:= libmicrohttpd jansson
pkg.confine	:= libseccomp
pkg.ssh		:= libssh
pkg.snisplit	:= jansson
pkg.kernel	:= libbpf
pkg.bench	:= libcrypto libssl

CFLAGS		?= -O2 -g
override CFLAGS	+= -std=gnu11 -Wall -Wextra -Wshadow -Wmissing-prototypes -Wformat=2 \
		   -Wstrict-prototypes -pthread -D_GNU_SOURCE -DVERSION='"$(VERSION)"' \
		   $(if $(MUTANT),-DMUTANT) $(SAN)
override LDFLAGS += -pthread $(SAN)

room	= $(notdir $(patsubst %/,%,$(dir $(1))))
pkgc	= $(if $(pkg.$(1)),$(shell $(PKG_CONFIG) --cflags $(pkg.$(1)) 2>/dev/null))
pkgl	= $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null)
msg	= @$(if $(filter 1,$(V)),:,printf '  %-8s %s\n' $(1) $(2:$(O)/%=%)); mkdir -p $(dir $(2))
objs	= $(patsubst %.c,$(O)/%.o,$(wildcard $(1)))

BPF_OBJS	:= $(patsubst %.bpf.c,$(O)/%.bpf.o,$(wildcard bpf/*.bpf.c))
ROOM_LIBS	:= $(foreach r,lib doc wire kern tls store relay event policy endpoint credential config confine edge api,$(O)/$(r).a)
TEST_LIBS	:= $(filter-out $(O)/api.a,$(ROOM_LIBS)) $(O)/agent.a $(O)/ssh.a
DAEMON_LIBS	:= libbpf libmnl libseccomp sqlite3 jansson yaml-0.1 libmicrohttpd libcurl libssl libcrypto
CLI_LIBS	:= jansson yaml-0.1 libssl libcrypto libbpf

PROGRAMS	:= $(O)/snisplitd $(O)/snisplit
LIBS		:= $(O)/libsnisplit.a $(O)/libsnisplit.so $(O)/snisplit.pc

# The gateway of ssh -R; 0.10.6 has strict key exchange.
HAVE_SSH	:= $(shell $(PKG_CONFIG) --exists 'libssh >= 0.10.6' && echo yes)
PROGRAMS	+= $(if $(HAVE_SSH),$(O)/snisplit-sshd)
UNIT_TESTS	:= $(patsubst selftests/unit/%.c,$(O)/unit/%,$(wildcard selftests/unit/test_*.c))
FUZZERS		:= $(patsubst selftests/fuzz/%.c,$(O)/fuzz/%,$(filter-out $(if $(HAVE_SSH),,%_ssh_session.c),$(wildcard selftests/fuzz/fuzz_*.c)))
KERNEL_TESTS	:= $(patsubst selftests/kernel/%.c,$(O)/kernel/%,$(wildcard selftests/kernel/*_test.c))
KERNEL_OBJS	:= $(patsubst selftests/kernel/%.bpf.c,$(O)/kernel/%.bpf.o,$(wildcard selftests/kernel/*.bpf.c))
BENCHES		:= $(if $(wildcard tools/bench/hello_bench.c),$(O)/bench/hello_bench) \
		   $(if $(wildcard tools/bench/load.c),$(O)/bench/load $(O)/bench/tls_load)
TEST_TOOLS	:= $(patsubst selftests/helpers/%.c,$(O)/helpers/%,$(wildcard selftests/helpers/*.c))
MAIN_OBJ	:= $(O)/user/edge/main.o
UNITS		:= snisplitd.service $(if $(HAVE_SSH),snisplit-sshd.service)

.PHONY: all check unit selftest test test-deb soak analyze test-kernels demo fuzz bench helpers clean help install uninstall deb sbom deps format vmlinux.h.new
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

all: $(PROGRAMS) $(LIBS) ## build the programs and the library (default)
	$(if $(HAVE_SSH),,@echo '  SKIP     snisplit-sshd: libssh >= 0.10.6 is missing (make deps)')

help: ## this list
	@sed -n 's/^\([a-z.]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
	@echo '  variables       O=DIR V=1 CC= CLANG= SAN=-fsanitize=address,undefined PREFIX= DESTDIR= T=SECONDS'

# Kept, although only pattern rules name them.  (Not all targets: a header that has moved away would
# then count as one of these, and what included it would not be built again.)
.SECONDARY: $(call objs,user/*/*.c tools/*/*.c selftests/*/*.c) $(BPF_OBJS) $(KERNEL_OBJS)

# main.c wires the daemon together: it alone of its room sees api/.
$(O)/user/edge/main.o: use.edge += api

$(O)/%.o: %.c
	$(call msg,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -Ibpf -I$(O)/gen -I$(<D) $(use.$(call room,$<):%=-Iuser/%) \
		$(call pkgc,$(call room,$<)) -c $< -o $@

# The status page is part of the program.
$(O)/user/api/page.o: $(wildcard user/api/status.*)

# The skeleton exists before anything in kern is compiled.
$(call objs,user/kern/*.c): $(O)/gen/snisplit.skel.h

define archive
$(O)/$(1).a: $(filter-out $(MAIN_OBJ),$(call objs,user/$(1)/*.c))
	$$(call msg,AR,$$@)
	$$(Q)rm -f $$@; ar rcsD $$@ $$(filter %.o,$$^)
endef
$(foreach r,lib doc wire kern tls store relay event policy endpoint credential config agent confine edge api,$(eval $(call archive,$(r))))

$(O)/snisplitd: $(MAIN_OBJ) $(ROOM_LIBS)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(MAIN_OBJ) -Wl,--start-group $(ROOM_LIBS) -Wl,--end-group \
		$(call pkgl,$(DAEMON_LIBS))

AGENT_LIBS	:= $(foreach r,agent relay kern tls doc wire lib,$(O)/$(r).a)
$(O)/snisplit: $(call objs,tools/snisplit/*.c) $(AGENT_LIBS)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call pkgl,$(CLI_LIBS))

# ---- the library ----
# What libsnisplit is made of goes into a shared object, and shows no name but those of snisplit.h.
LIB_ROOMS	:= agent relay kern tls wire lib
$(call objs,$(LIB_ROOMS:%=user/%/*.c)): override CFLAGS += -fPIC -fvisibility=hidden
# (older than this: compiled before it was so)
$(call objs,$(LIB_ROOMS:%=user/%/*.c)): $(O)/fpic
$(O)/fpic:
	$(Q)mkdir -p $(@D) && touch $@
LIB_ARCHIVES	= -Wl,--whole-archive $(O)/agent.a -Wl,--no-whole-archive $(filter-out $(O)/agent.a,$(LIB_ROOMS:%=$(O)/%.a))

# (stays in memory: OpenSSL has functions of ours until it ends itself, user/tls/swift.c)
$(O)/libsnisplit.so.0: $(LIB_ROOMS:%=$(O)/%.a)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -shared -Wl,-z,nodelete -Wl,-soname,$(@F) $(if $(SAN),,-Wl,-z,defs) -o $@ $(LIB_ARCHIVES) $(call pkgl,$(pkg.tls) libbpf)

$(O)/libsnisplit.so: $(O)/libsnisplit.so.0
	$(Q)ln -sf $(<F) $@

$(O)/libsnisplit.a: $(LIB_ROOMS:%=$(O)/%.a)
	$(call msg,AR,$@)
	$(Q)$(CC) -nostdlib -r -o $(O)/libsnisplit.o $(LIB_ARCHIVES) && objcopy --localize-hidden $(O)/libsnisplit.o
	$(Q)rm -f $@; ar rcsD $@ $(O)/libsnisplit.o

$(O)/snisplit.pc: Makefile
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$(INCLUDEDIR)' '' 'Name: snisplit' \
		'Description: put a service online at a snisplit edge' 'Version: $(VERSION)' 'Libs: -L$${libdir} -lsnisplit' \
		'Libs.private: -pthread' 'Requires.private: $(pkg.tls) libbpf' 'Cflags: -I$${includedir}' >$@

# Without libssh: what can be tested of the room nevertheless.
$(O)/ssh.a: $(addprefix $(O)/user/ssh/,cmdline.o cmdline_bind.o admission.o)
	$(call msg,AR,$@)
	$(Q)rm -f $@; ar rcsD $@ $^

$(O)/snisplit-sshd: $(call objs,user/ssh/*.c) $(O)/confine.a $(AGENT_LIBS)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call pkgl,$(pkg.ssh) libseccomp libssl libcrypto libbpf)

# ---- kernel side ----
# -mcpu=v3: the bound on a length is proven on the value itself, not on a
# shifted copy; clang 14's default makes 6.1's verifier refuse the same source.
$(O)/bpf/%.bpf.o: bpf/%.bpf.c vmlinux.h
	$(call msg,BPF,$@)
	$(Q)$(CLANG) -g -O2 -Wall -Wextra -Werror -target bpf -mcpu=v3 -MMD -MP -I. -Ibpf -c $< -o $@

$(O)/snisplit.bpf.o: $(BPF_OBJS)
	$(call msg,BPFLINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(O)/gen/snisplit.skel.h: $(O)/snisplit.bpf.o
	$(call msg,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name snisplit_bpf > $@

vmlinux.h.new: ## renew vmlinux.h from the running kernel's BTF (only what bpf/ uses)
	$(Q)tools/dev/vmlinux-trim > $@ && echo "compare vmlinux.h.new with vmlinux.h, then move it"

# ---- tests ----
$(O)/unit/%: $(O)/selftests/unit/%.o $(TEST_LIBS)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(call pkgl,$(DAEMON_LIBS))

$(O)/helpers/%: selftests/helpers/%.c
	$(call msg,CC,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $<

$(O)/helpers/stream: selftests/helpers/stream.c $(wildcard selftests/helpers/*.h)
	$(call msg,CC,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< $(call pkgl,libssl libcrypto)

# The one helper that is made of ours: what it says is judged by others.
$(O)/helpers/header: $(O)/selftests/helpers/header.o $(O)/wire.a $(O)/lib.a
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

FUZZ_SRCS	:= $(wildcard user/lib/*.c user/doc/*.c user/wire/*.c) $(addprefix user/event/,event_read.c filter.c route.c source.c target.c) \
		   $(wildcard user/config/*.c) user/endpoint/endpoint_spec.c user/endpoint/endpoint_upstreams.c user/endpoint/endpoint_url.c user/policy/policy.c \
		   user/ssh/cmdline.c user/ssh/cmdline_bind.c
# The one that needs more: a whole session, and libssh at both ends.
$(O)/fuzz/fuzz_ssh_session: FUZZ_MORE := $(filter-out %/main.c %/gateway.c %/sandbox.c %/admission.c %/cmdline.c %/cmdline_bind.c,$(wildcard user/ssh/*.c)) \
		-Iuser/agent $(call pkgc,ssh) $(call pkgl,libssh)
$(O)/fuzz/fuzz_ssh_session: $(wildcard user/ssh/*.[ch])
# What the API reads; the texts of certificates and keys; OCSP responses.
$(O)/fuzz/fuzz_body: FUZZ_MORE := $(addprefix user/,api/endpoint_json.c api/credential_body.c credential/credential_acl.c \
		api/feed_doc.c api/edges_doc.c api/edges_backend.c) -Iuser/api -Iuser/credential -Iuser/edge
$(O)/fuzz/fuzz_pair $(O)/fuzz/fuzz_staple: FUZZ_MORE := $(addprefix user/tls/,pair.c pem.c why.c secret.c staple.c) -Iuser/tls \
		-Wno-missing-field-initializers $(call pkgl,libssl libcrypto)
$(O)/fuzz/%: selftests/fuzz/%.c $(FUZZ_SRCS) bpf/hello.h
	$(call msg,FUZZ,$@)
	$(Q)$(CLANG) -g -O1 -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -Ibpf $(use.fuzz:%=-Iuser/%) \
		-o $@ $< $(FUZZ_SRCS) $(FUZZ_MORE) $(call pkgl,yaml-0.1 jansson)

$(O)/kernel/%.bpf.o: selftests/kernel/%.bpf.c vmlinux.h
	$(call msg,BPF,$@)
	$(Q)$(CLANG) -g -O2 -Wall -Wextra -Werror -target bpf -mcpu=v3 -MMD -MP -I. -Ibpf -Iselftests/kernel \
		-c $< -o $@

$(O)/kernel/%_test: $(O)/selftests/kernel/%_test.o
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(call pkgl,libbpf)

$(O)/tools/bench/hello_bench.o: override CFLAGS += -Iselftests/kernel
$(O)/bench/hello_bench: $(O)/tools/bench/hello_bench.o $(O)/wire.a $(O)/lib.a $(O)/kernel/hello.bpf.o
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter-out %.bpf.o,$^) $(call pkgl,libbpf libssl libcrypto)

$(O)/bench/tls_load: $(O)/tools/bench/tls_load.o
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(call pkgl,libssl libcrypto)

$(O)/bench/load: $(addprefix $(O)/tools/bench/,load.o load_server.o load_held.o)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

# ---- analyzers ----
# gcc -fanalyzer and clang-tidy (.clang-tidy says which checks) over each source, with the flags it is
# built with.  Two of gcc 12's checks are off, as all they said was judged and wrong: it takes what is put
# into a list or handed out through a pointer for lost, and two elements of an array for one.  What they
# look for LeakSanitizer and AddressSanitizer see in the tests of .ci/run.
GCC		?= gcc
ANALYZED	:= $(filter-out $(if $(HAVE_SSH),,user/ssh/%),$(wildcard user/*/*.c tools/snisplit/*.c))
FLAGS_OF	= $(filter-out -fPIC -fvisibility=hidden,$(CFLAGS)) -Ibpf -isystem $(O)/gen -I$(<D) $(use.$(call room,$<):%=-Iuser/%) \
		$(if $(filter user/edge/main.c,$<),-Iuser/api) $(call pkgc,$(call room,$<))

$(O)/analyze/%.gcc: %.c Makefile $(O)/gen/snisplit.skel.h
	$(call msg,GCC,$@)
	$(Q)$(GCC) $(FLAGS_OF) -fanalyzer -Wno-analyzer-malloc-leak -Wno-analyzer-double-free -Werror -MMD -MP -MF $@.d -MT $@ -c $< -o /dev/null
	$(Q)touch $@

$(O)/analyze/%.tidy: %.c .clang-tidy Makefile $(O)/analyze/%.gcc
	$(call msg,TIDY,$@)
	$(Q)clang-tidy --quiet --warnings-as-errors='*' $< -- $(FLAGS_OF) 2>/dev/null
	$(Q)touch $@

analyze: $(ANALYZED:%.c=$(O)/analyze/%.gcc) $(ANALYZED:%.c=$(O)/analyze/%.tidy) ## gcc -fanalyzer and clang-tidy: a quarter of an hour

unit: $(UNIT_TESTS) ## unit tests (no root)
	@selftests/run-unit $(UNIT_TESTS)

helpers: $(TEST_TOOLS) $(KERNEL_TESTS) $(KERNEL_OBJS) ## what the behaviour tests are made of

check: all unit ## everything that needs no root: unit tests, ABI, includes, shell, man pages
	@tools/dev/check

selftest: all helpers ## behaviour tests in network namespaces (root)
	@O=$(O) selftests/run

test: ## everything (root): what is missing is installed first
	@tools/dev/test

demo: ## install what is missing, build, and watch the kernel carry one connection (root)
	@tools/dev/demo

test-kernels: all helpers ## boot Debian's 6.1 and 6.12 kernels in qemu and run the daemon there
	@O=$(O) tools/dev/test-kernels

soak: all helpers ## MINUTES=30 of everything at once, with kills, reloads and upgrades (root)
	@O=$(O) MINUTES=$(MINUTES) LIMIT=$$(($(MINUTES) * 60 + 400)) JOBS=1 V=1 selftests/run soak

fuzz: $(FUZZERS) ## fuzz every parser for T seconds each
	@selftests/run-fuzz $(T) $(FUZZERS)

bench: all helpers $(BENCHES) ## benchmark beside haproxy, nginx and sniproxy (root); rows in tools/bench/results
	@tools/bench/run

format: ## clang-format our sources in place
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h' | grep -v '^vmlinux.h$$')

deps: ## install the Debian packages needed to build (root)
	@tools/dev/deps build

# All that a machine needs; a package takes its parts from DESTDIR.
install: all ## install programs, library, units, man pages, completions (DESTDIR= PREFIX=)
	install -D -m 0755 $(O)/snisplitd $(D)$(SBINDIR)/snisplitd
	install -D -m 0755 $(O)/snisplit $(D)$(BINDIR)/snisplit
	$(if $(HAVE_SSH),install -D -m 0755 $(O)/snisplit-sshd $(D)$(SBINDIR)/snisplit-sshd)
	for m in user/man/*.[158]; do install -D -m 0644 $$m $(D)$(MANDIR)/man$${m##*.}/$${m##*/}; done
	install -D -m 0644 user/agent/snisplit.h $(D)$(INCLUDEDIR)/snisplit.h
	install -D -m 0644 $(O)/libsnisplit.a $(D)$(LIBDIR)/libsnisplit.a
	install -D -m 0644 $(O)/libsnisplit.so.0 $(D)$(LIBDIR)/libsnisplit.so.0
	ln -sf libsnisplit.so.0 $(D)$(LIBDIR)/libsnisplit.so
	install -D -m 0644 $(O)/snisplit.pc $(D)$(LIBDIR)/pkgconfig/snisplit.pc
	for u in $(UNITS); do install -d $(D)$(UNITDIR); \
		sed 's,/usr/sbin/snisplit,$(SBINDIR)/snisplit,' tools/$$u >$(D)$(UNITDIR)/$$u; chmod 0644 $(D)$(UNITDIR)/$$u; done
	install -D -m 0644 tools/snisplit.sysusers $(D)$(SYSUSERSDIR)/snisplit.conf
	install -D -m 0644 tools/snisplit.tmpfiles $(D)$(TMPFILESDIR)/snisplit.conf
	install -d $(D)$(BASHCOMPDIR) $(D)$(ZSHCOMPDIR) $(D)$(FISHCOMPDIR) $(D)$(DOCDIR)/examples
	$(O)/snisplit completion bash >$(D)$(BASHCOMPDIR)/snisplit
	$(O)/snisplit completion zsh >$(D)$(ZSHCOMPDIR)/_snisplit
	$(O)/snisplit completion fish >$(D)$(FISHCOMPDIR)/snisplit.fish
	install -m 0644 README.md .github/SECURITY.md tools/bpftool.md $(D)$(DOCDIR)
	install -m 0644 tools/example/snisplitd.yml tools/example/greet.c $(D)$(DOCDIR)/examples
	install -m 0644 tools/prometheus/dashboard.json tools/prometheus/alerts.yml $(D)$(DOCDIR)/examples

uninstall: ## remove what install has installed
	rm -f $(D)$(SBINDIR)/snisplitd $(D)$(SBINDIR)/snisplit-sshd $(D)$(BINDIR)/snisplit
	rm -f $(D)$(INCLUDEDIR)/snisplit.h $(D)$(LIBDIR)/libsnisplit.* $(D)$(LIBDIR)/pkgconfig/snisplit.pc
	rm -f $(UNITS:%=$(D)$(UNITDIR)/%) $(D)$(SYSUSERSDIR)/snisplit.conf $(D)$(TMPFILESDIR)/snisplit.conf
	rm -f $(D)$(BASHCOMPDIR)/snisplit $(D)$(ZSHCOMPDIR)/_snisplit $(D)$(FISHCOMPDIR)/snisplit.fish
	for m in user/man/*.[158]; do rm -f $(D)$(MANDIR)/man$${m##*.}/$${m##*/}; done
	rm -rf $(D)$(DOCDIR)

deb: ## Debian packages, in $(O)/deb
	@O=$(O) VERSION=$(VERSION) tools/dev/deb

test-deb: ## build the packages, ask lintian, install and run them in a fresh Debian root (root, network)
	@O=$(O) tools/dev/test-deb

sbom: all ## what the programs are made of, as SPDX (Debian)
	@O=$(O) VERSION=$(VERSION) tools/dev/sbom >$(O)/snisplit.spdx.json && echo $(O)/snisplit.spdx.json

clean: ## remove the build folder
	rm -rf $(O)

-include $(shell find $(O) -type f -name '*.d' 2>/dev/null)
