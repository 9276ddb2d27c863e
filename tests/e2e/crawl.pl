#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# crawl.pl DIR PAGES: PAGES (of pages.pl) as a small crawl that lies in DIR as on Common Crawl's server:
#     crawl-data/CC-MAIN-TEST/{warc,wet}.paths.gz, and six archives of each kind in two segments, a gzip member a record:
#     a warcinfo record; request, response and metadata for each page; every 25th page answers 404
use strict;
use warnings;
use Compress::Zlib qw(memGzip);
use File::Find;
use File::Path qw(make_path);

my ($folder, $pages) = @ARGV;
my (@files, %list);
find({no_chdir => 1, wanted => sub { push @files, $_ if /\.html$/ }}, $pages);
@files = sort @files;
my $n = 0;

sub record {
  my ($type, $uri, $content_type, $body, @more) = @_;
  my $head = join "\r\n", 'WARC/1.0', "WARC-Type: $type", sprintf('WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-%012d>', ++$n),
    'WARC-Date: 2026-07-14T00:00:00Z', ($uri ? "WARC-Target-URI: $uri" : ()), @more, "Content-Type: $content_type", 'Content-Length: ' . length $body;
  return memGzip("$head\r\n\r\n$body\r\n\r\n");
}

for my $i (0 .. 5) {
  my $segment = 'crawl-data/CC-MAIN-TEST/segments/' . (1700000000 + $i % 2) . '.1';
  my %archive = map { $_ => record('warcinfo', '', 'application/warc-fields', "software: crawl.pl\r\n") } qw(warc wet);
  for my $j (grep { $_ % 6 == $i } 0 .. $#files) {
    open my $in, '<:raw', $files[$j] or die "$files[$j]: $!\n";
    my $page = do { local $/; <$in> };
    my $uri = 'http://pages.test' . substr $files[$j], length $pages;
    my $status = $j % 25 == 7 ? '404 Not Found' : '200 OK';
    my $id = $n + 2;
    $archive{warc} .= record('request', $uri, 'application/http; msgtype=request', "GET / HTTP/1.1\r\n\r\n");
    $archive{warc} .= record('response', $uri, 'application/http; msgtype=response',
      "HTTP/1.1 $status\r\nContent-Type: text/html\r\nContent-Length: " . length($page) . "\r\n\r\n$page");
    $archive{warc} .= record('metadata', $uri, 'application/warc-fields', "fetchTimeMs: 1\r\n");
    (my $text = $page) =~ s/<title>.*?<\/title>|<[^>]*>//g;
    $archive{wet} .= record('conversion', $uri, 'text/plain', $text, sprintf('WARC-Refers-To: <urn:uuid:00000000-0000-4000-8000-%012d>', $id));
  }
  for my $kind (qw(warc wet)) {
    my $name = sprintf '%s/%s/CC-MAIN-20260714000000-%05d.warc%s.gz', $segment, $kind, $i, $kind eq 'wet' ? '.wet' : '';
    make_path("$folder/$segment/$kind");
    open my $out, '>:raw', "$folder/$name" or die "$name: $!\n";
    print $out $archive{$kind};
    close $out or die "$name: $!\n";
    $list{$kind} .= "$name\n";
  }
}
for my $kind (qw(warc wet)) {
  open my $out, '>:raw', "$folder/crawl-data/CC-MAIN-TEST/$kind.paths.gz" or die;
  print $out memGzip($list{$kind});
  close $out or die;
}
