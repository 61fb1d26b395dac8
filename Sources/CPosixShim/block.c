#define _GNU_SOURCE
#include "CPosixShim.h"

#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

int netimg_loop_attach(int backing, uint64_t size) {
  int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) return -1;
  // Another process may take the number between the two calls; here nobody else runs, but a retry is cheap.
  for (int attempt = 0; attempt < 16; attempt++) {
    int number = ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0) break;
    char path[32];
    snprintf(path, sizeof path, "/dev/loop%d", number);
    int device = open(path, O_RDWR | O_CLOEXEC);
    if (device < 0) break;
    struct loop_config config;
    memset(&config, 0, sizeof config);
    config.fd = (uint32_t)backing;
    config.block_size = 4096;
    config.info.lo_sizelimit = size;
    config.info.lo_flags = LO_FLAGS_READ_ONLY;
    int configured = ioctl(device, LOOP_CONFIGURE, &config);
    int saved = errno;
    if (configured == 0) {
      // The device holds its backing file itself, but an unreferenced device-mapper table would not: keep both open.
      close(control);
      return number;
    }
    close(device);
    errno = saved;
    if (errno != EBUSY) break;
  }
  int saved = errno;
  close(control);
  errno = saved;
  return -1;
}

static void dm_header(struct dm_ioctl *header, size_t size, const char *name) {
  memset(header, 0, size);
  header->version[0] = DM_VERSION_MAJOR;
  header->version[1] = 0;
  header->version[2] = 0;
  header->data_size = (uint32_t)size;
  header->data_start = sizeof *header;
  snprintf(header->name, sizeof header->name, "%s", name);
}

int netimg_dm_create(const char *name, const char *uuid, const char *target, const char *parameters,
                     uint64_t sectors, uint64_t *dev) {
  int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
  if (control < 0) return -1;
  union {
    struct dm_ioctl header;
    char bytes[4096];
  } request;
  int failed = -1;

  size_t length = strlen(parameters);
  size_t needed = sizeof(struct dm_ioctl) + sizeof(struct dm_target_spec) + length + 1;
  if (needed > sizeof request || strlen(target) >= DM_MAX_TYPE_NAME) {
    errno = EINVAL;
    goto done;
  }

  dm_header(&request.header, sizeof request, name);
  snprintf(request.header.uuid, sizeof request.header.uuid, "%s", uuid);
  if (ioctl(control, DM_DEV_CREATE, &request) < 0) goto done;
  *dev = request.header.dev;

  dm_header(&request.header, sizeof request, name);
  request.header.target_count = 1;
  request.header.flags = DM_READONLY_FLAG;
  struct dm_target_spec *spec = (struct dm_target_spec *)(request.bytes + sizeof(struct dm_ioctl));
  spec->sector_start = 0;
  spec->length = sectors;
  snprintf(spec->target_type, sizeof spec->target_type, "%s", target);
  memcpy(request.bytes + sizeof(struct dm_ioctl) + sizeof *spec, parameters, length + 1);
  if (ioctl(control, DM_TABLE_LOAD, &request) < 0) goto done;

  dm_header(&request.header, sizeof request, name);
  if (ioctl(control, DM_DEV_SUSPEND, &request) < 0) goto done;
  failed = 0;

done:;
  int saved = errno;
  close(control);
  errno = saved;
  return failed;
}

int netimg_dm_status(uint64_t dev, char *status, size_t size) {
  int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
  if (control < 0) return -1;
  union {
    struct dm_ioctl header;
    char bytes[4096];
  } request;
  dm_header(&request.header, sizeof request, "");
  request.header.dev = dev;
  int failed = ioctl(control, DM_TABLE_STATUS, &request);
  int saved = errno;
  close(control);
  errno = saved;
  if (failed < 0) return -1;
  size_t start = request.header.data_start;
  if (request.header.target_count != 1 || start + sizeof(struct dm_target_spec) >= sizeof request) {
    errno = ENODATA;
    return -1;
  }
  request.bytes[sizeof request - 1] = 0;
  struct dm_target_spec *spec = (struct dm_target_spec *)(request.bytes + start);
  snprintf(status, size, "%.*s %s", DM_MAX_TYPE_NAME, spec->target_type, request.bytes + start + sizeof *spec);
  return 0;
}
