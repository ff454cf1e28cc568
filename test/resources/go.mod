module github.com/auditsetup/auditsetup/test/resources

go 1.26.8
