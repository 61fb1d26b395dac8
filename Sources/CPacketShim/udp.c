#define _GNU_SOURCE
#include "CPacketShim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

int netimg_packet_errno(void) { return errno; }

static int closing(int file) {
  int saved = errno;
  close(file);
  errno = saved;
  return -1;
}

static socklen_t to_socket(const struct netimg_address *from, struct sockaddr_storage *to) {
  memset(to, 0, sizeof *to);
  if (from->family == 4) {
    struct sockaddr_in *in = (struct sockaddr_in *)to;
    in->sin_family = AF_INET;
    in->sin_port = htons(from->port);
    memcpy(&in->sin_addr, from->bytes, 4);
    return sizeof *in;
  }
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
  in6->sin6_family = AF_INET6;
  in6->sin6_port = htons(from->port);
  in6->sin6_scope_id = from->scope;
  memcpy(&in6->sin6_addr, from->bytes, 16);
  return sizeof *in6;
}

static void from_socket(const struct sockaddr_storage *from, struct netimg_address *to) {
  memset(to, 0, sizeof *to);
  if (from->ss_family == AF_INET) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)from;
    to->family = 4;
    to->port = ntohs(in->sin_port);
    memcpy(to->bytes, &in->sin_addr, 4);
  } else if (from->ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
    to->family = 6;
    to->port = ntohs(in6->sin6_port);
    to->scope = in6->sin6_scope_id;
    memcpy(to->bytes, &in6->sin6_addr, 16);
  }
}

static int udp_socket(int family) {
  int file = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (file < 0) return -1;
  int on = 1;
  if (family == 6 && setsockopt(file, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) return closing(file);
  return file;
}

int netimg_udp_open(int family, uint16_t port) {
  int file = udp_socket(family);
  if (file < 0) return -1;
  int on = 1, room = 4 << 20;
  // A storm of discoveries waits here; the kernel gives what it is allowed to.
  setsockopt(file, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  setsockopt(file, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  if (family == 4) {
    if (setsockopt(file, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) < 0) return closing(file);
    if (setsockopt(file, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) < 0) return closing(file);
  } else if (setsockopt(file, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) < 0) {
    return closing(file);
  }
  struct netimg_address any = {.family = (uint8_t)family, .port = port};
  struct sockaddr_storage name;
  socklen_t size = to_socket(&any, &name);
  if (bind(file, (struct sockaddr *)&name, size) < 0) return closing(file);
  return file;
}

int netimg_udp_connect(const struct netimg_address *local, const struct netimg_address *peer, uint32_t interface) {
  int file = udp_socket(peer->family);
  if (file < 0) return -1;
  struct sockaddr_storage name;
  struct netimg_address own = *local;
  own.port = 0;
  if (own.family == 6 && own.bytes[0] == 0xfe && (own.bytes[1] & 0xc0) == 0x80) own.scope = interface;
  socklen_t size = to_socket(&own, &name);
  if (bind(file, (struct sockaddr *)&name, size) < 0) return closing(file);
  size = to_socket(peer, &name);
  if (connect(file, (struct sockaddr *)&name, size) < 0) return closing(file);
  return file;
}

int netimg_udp_join(int file, const uint8_t group[16], uint32_t interface) {
  struct ipv6_mreq request = {.ipv6mr_interface = interface};
  memcpy(&request.ipv6mr_multiaddr, group, 16);
  return setsockopt(file, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof request);
}

int netimg_udp_port(int file) {
  struct sockaddr_storage name;
  socklen_t size = sizeof name;
  if (getsockname(file, (struct sockaddr *)&name, &size) < 0) return -1;
  struct netimg_address address;
  from_socket(&name, &address);
  return address.port;
}

enum { BATCH = 64 };
union control {
  char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
  struct cmsghdr align;
};

int netimg_udp_receive(int file, struct netimg_datagram *datagrams, int count) {
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  struct sockaddr_storage names[BATCH];
  union control controls[BATCH];
  if (count > BATCH) count = BATCH;
  for (int i = 0; i < count; i++) {
    parts[i] = (struct iovec){datagrams[i].data, datagrams[i].size};
    messages[i].msg_hdr = (struct msghdr){.msg_name = &names[i], .msg_namelen = sizeof names[i], .msg_iov = &parts[i],
                                          .msg_iovlen = 1, .msg_control = &controls[i],
                                          .msg_controllen = sizeof controls[i]};
  }
  int got;
  do got = recvmmsg(file, messages, (unsigned)count, MSG_DONTWAIT, NULL);
  while (got < 0 && errno == EINTR);
  for (int i = 0; i < got; i++) {
    struct netimg_datagram *to = &datagrams[i];
    struct msghdr *header = &messages[i].msg_hdr;
    // One that was cut is not one that was sent: it is as if it were empty.
    to->count = header->msg_flags & MSG_TRUNC ? 0 : messages[i].msg_len;
    to->interface = 0;
    memset(&to->local, 0, sizeof to->local);
    from_socket(&names[i], &to->peer);
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
      if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(part), sizeof info);
        to->interface = (uint32_t)info.ipi_ifindex;
        to->local.family = 4;
        memcpy(to->local.bytes, &info.ipi_addr, 4);
      } else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(part), sizeof info);
        to->interface = info.ipi6_ifindex;
        to->local.family = 6;
        memcpy(to->local.bytes, &info.ipi6_addr, 16);
      }
    }
  }
  return got;
}

// Fills in where a message goes and where it comes from; the bytes of control data used.
static size_t address(struct msghdr *header, struct sockaddr_storage *name, union control *control,
                      const struct netimg_address *peer, const struct netimg_address *local, uint32_t interface,
                      uint16_t segment) {
  size_t used = 0;
  if (peer->family != 0) {
    header->msg_name = name;
    header->msg_namelen = to_socket(peer, name);
  }
  memset(control, 0, sizeof *control);
  struct cmsghdr *part = (struct cmsghdr *)control->bytes;
  if (peer->family == 4 && (interface != 0 || local->family == 4)) {
    struct in_pktinfo info = {.ipi_ifindex = (int)interface};
    if (local->family == 4) memcpy(&info.ipi_spec_dst, local->bytes, 4);
    part->cmsg_level = IPPROTO_IP;
    part->cmsg_type = IP_PKTINFO;
    part->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(part), &info, sizeof info);
    used = CMSG_SPACE(sizeof info);
  } else if (peer->family == 6 && (interface != 0 || local->family == 6)) {
    struct in6_pktinfo info = {.ipi6_ifindex = interface};
    if (local->family == 6) memcpy(&info.ipi6_addr, local->bytes, 16);
    part->cmsg_level = IPPROTO_IPV6;
    part->cmsg_type = IPV6_PKTINFO;
    part->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(part), &info, sizeof info);
    used = CMSG_SPACE(sizeof info);
  }
  if (segment != 0) {
    part = (struct cmsghdr *)(control->bytes + used);
    part->cmsg_level = IPPROTO_UDP;
    part->cmsg_type = UDP_SEGMENT;
    part->cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(part), &segment, sizeof segment);
    used += CMSG_SPACE(sizeof segment);
  }
  header->msg_control = used != 0 ? control : NULL;
  header->msg_controllen = used;
  return used;
}

int netimg_udp_send(int file, const struct netimg_datagram *datagrams, int count) {
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  struct sockaddr_storage names[BATCH];
  union control controls[BATCH];
  if (count > BATCH) count = BATCH;
  memset(messages, 0, sizeof messages[0] * (size_t)count);
  for (int i = 0; i < count; i++) {
    parts[i] = (struct iovec){datagrams[i].data, datagrams[i].count};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    address(&messages[i].msg_hdr, &names[i], &controls[i], &datagrams[i].peer, &datagrams[i].local,
            datagrams[i].interface, 0);
  }
  int sent;
  do sent = sendmmsg(file, messages, (unsigned)count, 0);
  while (sent < 0 && errno == EINTR);
  return sent;
}

long netimg_udp_take(int file, void *data, size_t size) {
  long got;
  do got = recv(file, data, size, MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  return got;
}

enum { BLOCKS = 64, SEGMENTS = 16 };

int netimg_tftp_send(int file, const struct netimg_address *peer, const struct netimg_address *local, uint32_t interface,
                     const void *data, size_t total, size_t block_size, uint16_t first, int count, int segment) {
  uint8_t headers[BLOCKS][4];
  struct iovec parts[2 * BLOCKS];
  if (count > BLOCKS) count = BLOCKS;
  if (count < 1) count = 1;
  size_t offset = 0;
  for (int i = 0; i < count; i++) {
    size_t size = total - offset < block_size ? total - offset : block_size;
    uint16_t number = (uint16_t)(first + i);
    headers[i][0] = 0;
    headers[i][1] = 3;
    headers[i][2] = (uint8_t)(number >> 8);
    headers[i][3] = (uint8_t)number;
    parts[2 * i] = (struct iovec){headers[i], 4};
    parts[2 * i + 1] = (struct iovec){(uint8_t *)data + offset, size};
    offset += size;
  }
  // Packets that the kernel cuts from one message: as many as a datagram holds, and few enough that the client has work
  // to do while the next are made.
  int step = 1;
  if (segment) {
    step = (int)(65000 / (block_size + 4));
    if (step > SEGMENTS) step = SEGMENTS;
    if (step < 1) step = 1;
  }
  struct mmsghdr messages[BLOCKS];
  struct sockaddr_storage names[BLOCKS];
  union control controls[BLOCKS];
  int used = 0;
  for (int i = 0; i < count; i += step, used++) {
    int packets = count - i < step ? count - i : step;
    memset(&messages[used], 0, sizeof messages[used]);
    messages[used].msg_hdr.msg_iov = &parts[2 * i];
    // An empty block is its header alone.
    messages[used].msg_hdr.msg_iovlen = (size_t)(2 * packets) - (parts[2 * (i + packets) - 1].iov_len == 0);
    address(&messages[used].msg_hdr, &names[used], &controls[used], peer, local, interface,
            packets > 1 ? (uint16_t)(block_size + 4) : 0);
  }
  int sent;
  do sent = used == 1 ? (sendmsg(file, &messages[0].msg_hdr, 0) < 0 ? -1 : 1) : sendmmsg(file, messages, (unsigned)used, 0);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) return -1;
  return sent * step < count ? sent * step : count;
}
