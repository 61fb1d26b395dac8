#define _GNU_SOURCE
#include "CPacketShim.h"

#include <errno.h>

int netimg_packet_errno(void) { return errno; }
