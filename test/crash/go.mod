module github.com/auditsetup/auditsetup/test/crash

go 1.26.8

require github.com/auditsetup/auditsetup/test/real v0.0.0

replace (
	github.com/auditsetup/auditsetup => ../..
	github.com/auditsetup/auditsetup/test/real => ../real
)
