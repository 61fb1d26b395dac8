#define _GNU_SOURCE
#include "CPacketShim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int netimg_packet_open(void) {
  // Protocol 0: it sends only, and costs nothing when packets come in.
  return socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int netimg_packet_send(int file, uint32_t interface, const uint8_t mac[6], const void *packet, size_t size) {
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = (int)interface,
                           .sll_halen = 6};
  memcpy(to.sll_addr, mac, 6);
  long sent;
  do sent = sendto(file, packet, size, 0, (struct sockaddr *)&to, sizeof to);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -1 : 0;
}

int netimg_dhcp_listen(void) {
  // Offsets are from the IPv4 header; X is that header's length.
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),             // protocol
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 9),     // UDP
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),             // flags and fragment offset
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 7, 0),
      BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),             // destination port
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 68, 0, 4),
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),             // source port
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 67, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4011, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 65535),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
  int file = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (file < 0) return -1;
  struct sockaddr_ll name = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
  // The filter first, so that nothing else is ever queued.
  if (setsockopt(file, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ||
      bind(file, (struct sockaddr *)&name, sizeof name) < 0) {
    int saved = errno;
    close(file);
    errno = saved;
    return -1;
  }
  return file;
}

long netimg_packet_take(int file, void *data, size_t size, uint32_t *interface) {
  struct sockaddr_ll from;
  socklen_t count = sizeof from;
  memset(&from, 0, sizeof from);
  long got;
  do got = recvfrom(file, data, size, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &count);
  while (got < 0 && errno == EINTR);
  if (got < 0) return -1;
  *interface = (uint32_t)from.sll_ifindex;
  if (from.sll_pkttype == PACKET_OUTGOING || (size_t)got > size) return 0;
  return got;
}
