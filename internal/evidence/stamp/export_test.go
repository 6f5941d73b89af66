package stamp

// VerifyAuthority is what tests hold certificates against that no real authority signs with.
var VerifyAuthority = verifyAuthority
