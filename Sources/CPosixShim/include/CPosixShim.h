// System calls that Swift cannot reach by itself: variadic functions, ioctls whose numbers are macros, and
// calls without a C library wrapper. Also the one door to libc for stage 0, which is built as Embedded Swift
// and has no Glibc module. Every function returns -1 and sets errno on failure, as the call it wraps.
#ifndef NETIMG_CPOSIXSHIM_H
#define NETIMG_CPOSIXSHIM_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

// Mount flags with one type: Swift sees the macros as differing types with and without its Glibc module.
static const unsigned long netimg_ms_rdonly = MS_RDONLY;
static const unsigned long netimg_ms_nosuid = MS_NOSUID;
static const unsigned long netimg_ms_nodev = MS_NODEV;
static const unsigned long netimg_ms_noexec = MS_NOEXEC;
static const unsigned long netimg_ms_move = MS_MOVE;

/// Links this library's silent syslog(3) into the program; gives 0.
int netimg_keep_syslog_silent(void);
/// errno, which is a macro.
int netimg_errno(void);
/// open(2) with a mode; always adds O_CLOEXEC.
int netimg_open(const char *path, int flags, mode_t mode);
/// reboot(2) with a `LINUX_REBOOT_CMD_*` value.
int netimg_reboot(int command);
#define NETIMG_REBOOT_RESTART 0x01234567
#define NETIMG_REBOOT_POWER_OFF 0x4321fedc
#define NETIMG_REBOOT_HALT 0xcdef0123u
/// finit_module(2): loads a module from an open file, with its parameters.
int netimg_finit_module(int file, const char *parameters, int flags);
/// memfd_create(2), sealed later by netimg_seal.
int netimg_memfd(const char *name);
/// Adds F_SEAL_SHRINK, GROW, WRITE and SEAL to a memfd.
int netimg_seal(int file);
/// syncfs(2): everything that was written to the file system of an open file is on its disk.
int netimg_sync_file_system(int file);
/// renameat2(2) with RENAME_NOREPLACE: fails with EEXIST instead of replacing.
int netimg_rename_new(const char *from, const char *to);
/// renameat2(2) with RENAME_EXCHANGE: both names stay, each with what the other had.
int netimg_rename_exchange(const char *one, const char *other);
/// pipe2(2) with O_CLOEXEC: no other thread's child inherits it.
int netimg_pipe(int ends[2]);
/// posix_spawn_file_actions_addclosefrom_np(3): the child has no descriptor from `first` on.
int netimg_spawn_close_from(posix_spawn_file_actions_t *actions, int first);

/// Attaches a free loop device to `backing`, read-only with direct size; gives the number N of /dev/loopN.
int netimg_loop_attach(int backing, uint64_t size);

/// Creates, loads and resumes a read-only device-mapper device of one target that spans `sectors`.
/// `dev` receives the device number (makedev).
int netimg_dm_create(const char *name, const char *uuid, const char *target, const char *parameters,
                     uint64_t sectors, uint64_t *dev);
/// The one target's type and status of a device-mapper device, such as "verity V", into `status` (a C string).
int netimg_dm_status(uint64_t dev, char *status, size_t size);

#endif
