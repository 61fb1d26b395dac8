// DebianPackage
