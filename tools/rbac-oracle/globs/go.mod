module capstan.dev/tools/rbac-oracle/globs

go 1.24

require github.com/gobwas/glob v1.0.0
