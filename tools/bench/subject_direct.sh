# SPDX-License-Identifier: GPL-2.0-only
# direct - no edge at all: what the machine can do.  Sourced by run; $dir, $port, $upstream are set.
# shellcheck shell=bash disable=SC2154,SC2034
conf() { echo "client -> upstream"; }
version() { uname -r; }
start() { port=${upstream##*:}; } # run connects to $upstream
stop() { :; }
