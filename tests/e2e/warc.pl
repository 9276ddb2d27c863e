#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# warc.pl DIR: every HTML file below DIR as a response record, in the order of their paths.
use strict;
use warnings;
use File::Find;

my @files;
find({no_chdir => 1, wanted => sub { push @files, $_ if /\.html$/ }}, $ARGV[0]);
my $n = 0;
for my $file (sort @files) {
  open my $in, '<:raw', $file or die "$file: $!\n";
  my $page = do { local $/; <$in> };
  my $http = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: " . length($page) . "\r\n\r\n$page";
  my $path = substr $file, length $ARGV[0];
  printf "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-%012d>\r\nWARC-Target-URI: http://pages.test%s\r\n" .
    "WARC-Date: 2026-01-01T00:00:00Z\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n", $n++, $path, length $http, $http;
}
