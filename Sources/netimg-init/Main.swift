internal import CPosixShim
internal import Stage0

@main
struct Main {
  static func main() {
    if getpid() == 1 {
      var boot = Boot()
      boot.run()
    }
    if Report.isAskedFor { exit(Report().run()) }
    _ = "netimg-init is PID 1 of a netimg image; inside a running one, `netimg-init report` tells its state\n"
      .withCString { write(2, $0, strlen($0)) }
    exit(64)
  }
}
