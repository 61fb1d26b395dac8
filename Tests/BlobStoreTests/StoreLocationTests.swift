import BlobStore
import Testing

@Suite struct StoreLocationTests {
  @Test(arguments: [
    (["NETIMG_STORE": "/srv/store", "XDG_CACHE_HOME": "/c", "HOME": "/h"], "/srv/store"),
    (["NETIMG_STORE": "", "XDG_CACHE_HOME": "/c", "HOME": "/h"], "/c/netimg"),
    (["XDG_CACHE_HOME": "/c/", "HOME": "/h"], "/c/netimg"),
    (["XDG_CACHE_HOME": "relative", "HOME": "/h"], "/h/.cache/netimg"),
    (["HOME": "/"], "/.cache/netimg"),
  ])
  func followsTheEnvironment(environment: [String: String], expected: String) throws {
    #expect(try StoreLocation.default(environment: environment) == expected)
  }

  @Test(arguments: [[:], ["HOME": ""], ["HOME": "relative", "XDG_CACHE_HOME": ""]])
  func saysWhatToSetWhenNothingIsSet(environment: [String: String]) throws {
    let error = try #require(storeError { _ = try StoreLocation.default(environment: environment) })
    #expect(error.code == .noLocation)
    #expect(error.description.contains("set NETIMG_STORE"))
  }
}
