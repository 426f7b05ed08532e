# kernel/hello_is_same_inside_and_outside_the_kernel.sh - hello.h gives the kernel and user space one answer, to the last offset.
# Over the fuzz corpus and the captured hellos, each whole, cut and with bytes changed; 4 (skip)
# where BPF is not permitted.
set -- selftests/fuzz/corpus/hello selftests/fixtures/hellos
[ ! -d "${HELLOS_DIR:=../shared/data/hellos}" ] || set -- "$@" "$HELLOS_DIR"
exec "${O:-.output}/kernel/hello_test" "${O:-.output}/kernel/hello.bpf.o" "$@"
