internal import Synchronization

/// Where the API finds what is known of the git repository, once there is something that follows one.
package final class GitViewer: Sendable {
  private let follower = Mutex<GitFollower?>(nil)

  package init() {}

  func set(_ git: GitFollower) { follower.withLock { $0 = git } }

  var view: GitFollower.View? { follower.withLock(\.self)?.view.withLock(\.self) }
}
