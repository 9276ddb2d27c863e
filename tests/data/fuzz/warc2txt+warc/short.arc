filedesc://x.arc 0.0.0.0 20140216050221 text/plain 4
1 0 
http://a.example/ 1.2.3.4 20140216050221 text/html 239
HTTP/1.1 200 OK
Content-Type: text/html; charset=utf-8

<!doctype html><html><head><title>T</title><meta charset=utf-8></head><body><nav><a href=/>Home</a></nav><article><h1>Head</h1><p>Some text, with words.</p></article></body></html>
