#define _GNU_SOURCE
#include "CPosixShim.h"

#include <linux/fs.h>
#include <sys/syscall.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

int netimg_errno(void) { return errno; }

int netimg_open(const char *path, int flags, mode_t mode) { return open(path, flags | O_CLOEXEC, mode); }

int netimg_reboot(int command) {
  return (int)syscall(SYS_reboot, 0xfee1dead, 672274793, (unsigned int)command, NULL);
}

int netimg_finit_module(int file, const char *parameters, int flags) {
  return (int)syscall(SYS_finit_module, file, parameters, flags);
}

int netimg_memfd(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }

int netimg_seal(int file) {
  return fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
}

int netimg_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int netimg_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
  return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

int netimg_sync_file_system(int file) { return syncfs(file); }

int netimg_rename_new(const char *from, const char *to) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

int netimg_rename_exchange(const char *one, const char *other) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
}
