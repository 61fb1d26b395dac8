// Sockets as Swift cannot reach them: control messages (macros), batches (recvmmsg and sendmmsg), packet sockets with a
// filter, and epoll's packed struct. Every function returns -1 and sets errno on failure, as the call it wraps.
#ifndef NETIMG_CPACKETSHIM_H
#define NETIMG_CPACKETSHIM_H

#include <stddef.h>
#include <stdint.h>

/// An address and a port. `family` is 4 or 6, or 0 for none.
struct netimg_address {
  uint8_t family;
  uint8_t bytes[16];
  /// Host byte order.
  uint16_t port;
  /// The interface of a link-local IPv6 address, else 0.
  uint32_t scope;
};

/// One datagram of a batch. Receiving fills everything but `data` and `size`; sending reads everything but `size`.
struct netimg_datagram {
  void *data;
  /// Room at `data`.
  uint32_t size;
  /// Bytes of the datagram.
  uint32_t count;
  /// Whom it is from or for; `family` 0 for a connected socket.
  struct netimg_address peer;
  /// Our own address; `family` 0 leaves it to the kernel.
  struct netimg_address local;
  /// The interface it came or goes by; 0 leaves it to the kernel.
  uint32_t interface;
};

/// A link, or one of its addresses (`address.family` is 0 for the link itself, which comes first).
struct netimg_interface {
  uint32_t index;
  char name[16];
  uint8_t has_mac;
  uint8_t mac[6];
  uint8_t is_up;
  uint32_t mtu;
  struct netimg_address address;
  uint8_t prefix;
};

/// errno, which is a macro.
int netimg_packet_errno(void);

/// A UDP socket on every address of family 4 or 6 and that port: non-blocking, closed on exec, broadcasts allowed,
/// telling where datagrams came in.
int netimg_udp_open(int family, uint16_t port);
/// A UDP socket from that local address and any free port to one peer, which alone it hears.
int netimg_udp_connect(const struct netimg_address *local, const struct netimg_address *peer, uint32_t interface);
/// Joins an IPv6 multicast group on an interface.
int netimg_udp_join(int file, const uint8_t group[16], uint32_t interface);
/// The port that a socket is bound to.
int netimg_udp_port(int file);
/// Takes up to `count` datagrams without waiting; the number taken.
int netimg_udp_receive(int file, struct netimg_datagram *datagrams, int count);
/// Sends up to `count` datagrams; the number sent before the first that failed, -1 if that was the first.
int netimg_udp_send(int file, const struct netimg_datagram *datagrams, int count);
/// Takes one datagram of a connected socket without waiting; its size.
long netimg_udp_take(int file, void *data, size_t size);

/// Sends blocks of a TFTP file: `count` packets, each a header of 4 bytes (operation 3, then the number, which counts on
/// from `first`) and `block_size` bytes of `data`, the last with what is left of `total`. With `segment`, the kernel cuts
/// them (UDP_SEGMENT); all packets then are of one size but the last. Returns the number of packets sent.
int netimg_tftp_send(int file, const struct netimg_address *peer, const struct netimg_address *local, uint32_t interface,
                     const void *data, size_t total, size_t block_size, uint16_t first, int count, int segment);

/// A packet socket for frames made here (needs CAP_NET_RAW).
int netimg_packet_open(void);
/// Sends an IPv4 packet in an Ethernet frame to a station.
int netimg_packet_send(int file, uint32_t interface, const uint8_t mac[6], const void *packet, size_t size);
/// A packet socket that hears DHCP replies to clients: IPv4, UDP, from port 67 or 4011 to port 68, not fragments.
int netimg_dhcp_listen(void);
/// Takes one IPv4 packet that came in (not one of our own); its size, 0 for one to skip. `interface` receives where.
long netimg_packet_take(int file, void *data, size_t size, uint32_t *interface);

/// Every link and address, at most `count`; the number there are.
int netimg_interfaces(struct netimg_interface *list, int count);
/// A socket that is readable whenever links or addresses change.
int netimg_watch_interfaces(void);
/// Reads whatever waits in it.
void netimg_drain(int file);

/// An epoll instance.
int netimg_epoll_open(void);
/// Watches a file for reading (its errors too), under a token.
int netimg_epoll_add(int epoll, int file, uint64_t token);
int netimg_epoll_remove(int epoll, int file);
/// Waits at most that long (nanoseconds; -1 for ever); the number of tokens that are ready. 0 after a signal.
int netimg_epoll_wait(int epoll, uint64_t *tokens, int count, int64_t nanoseconds);
/// Asks again and again for that long (nanoseconds) without giving the processor away; 0 if nothing came.
int netimg_epoll_poll(int epoll, uint64_t *tokens, int count, uint64_t nanoseconds);
/// An event counter that wakes an epoll up, and its increment.
int netimg_wake_open(void);
void netimg_wake(int file);

/// A timer that is readable when its time has come, and that time, in nanoseconds on CLOCK_BOOTTIME (not 0).
int netimg_timer_open(void);
int netimg_timer_set(int file, uint64_t time);

/// Nanoseconds on CLOCK_BOOTTIME.
uint64_t netimg_boottime(void);

#endif
