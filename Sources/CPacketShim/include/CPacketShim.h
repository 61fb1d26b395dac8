// Sockets as Swift cannot reach them: control messages (macros), batches (recvmmsg and sendmmsg), packet sockets with a
// filter, and epoll's packed struct. Every function returns -1 and sets errno on failure, as the call it wraps.
#ifndef NETIMG_CPACKETSHIM_H
#define NETIMG_CPACKETSHIM_H

#include <stdint.h>

/// errno, which is a macro.
int netimg_packet_errno(void);

#endif
