internal import Manifest

extension Scaffold {
  /// The folder of the component that comes from netimg's own repository.
  static let base = "images/base"

  /// The files of a repository, for an image of this name.
  static func files(name: String) -> [File] {
    func file(_ path: String, _ template: [UInt8], isExecutable: Bool = false) -> File {
      let text = String(decoding: template, as: UTF8.self)
      return File(path: path, bytes: Array(replacing(text, name).utf8), isExecutable: isExecutable)
    }
    func original(_ path: String, _ bytes: [UInt8]) -> File {
      File(path: "\(base)/\(path)", bytes: bytes, isExecutable: false)
    }
    let page = "images/page"
    let units = "usr/lib/systemd/system"
    return [
      file("README.md", PackageResources.README_md),
      file(".gitignore", PackageResources.gitignore),
      file("boot", PackageResources.boot, isExecutable: true),
      file("manifests/\(name).yaml", PackageResources.image_yaml),
      file("\(page)/component.yaml", PackageResources.page_yaml),
      file("\(page)/files/usr/share/page/index.html", PackageResources.index_html),
      file("\(page)/files/\(units)/page.socket", PackageResources.page_socket),
      file("\(page)/files/\(units)/page@.service", PackageResources.page__service),
      file("\(page)/files/usr/lib/systemd/network/80-ethernet.network", PackageResources._0_ethernet_network),
      original("component.yaml", PackageResources.component_yaml),
      original("files/\(units)/netimg-report.service", PackageResources.netimg_report_service),
      original("files/\(units)/var.mount", PackageResources.var_mount),
      File(path: "netimg.schema.json", bytes: Array(ManifestSchema.json().utf8), isExecutable: false),
    ]
  }

  private static func replacing(_ text: String, _ name: String) -> String {
    let place = "@NAME@"
    var result = ""
    var rest = text[...]
    while let range = rest.firstRange(of: place) {
      result += rest[..<range.lowerBound] + name
      rest = rest[range.upperBound...]
    }
    return result + rest
  }
}
