"""What a client of bulk write does, by hand: archives, forms, jobs, results."""

import csv
import io
import zipfile

ZGID = "772033711"
FORM = "multipart/form-data; boundary=BOUNDARY"


def table(*rows, delimiter=","):
    """A CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def archive(content, name="rows.csv", **more):
    """A zip archive with the file, and more files by their names."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as files:
        files.writestr(name, content)
        for other, text in more.items():
            files.writestr(other, text)
    return packed.getvalue()


def unpacked(content):
    """The rows of the one CSV file in an archive, each by its headings."""
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        (name,) = files.namelist()
        return list(csv.DictReader(io.StringIO(files.read(name).decode(), newline="")))


def form(content, field="file"):
    """The body of an upload."""
    head = f'--BOUNDARY\r\nContent-Disposition: form-data; name="{field}"; filename="rows.zip"\r\n\r\n'
    return head.encode() + content + b"\r\n--BOUNDARY--\r\n"


class Bulk:
    """Bulk calls of one simulator."""

    def __init__(self, wire):
        self.wire = wire

    def ask(self, method, path, body=None, **headers):
        if self.wire.token is None:
            self.wire.sign_in()
        token = f"Zoho-oauthtoken {self.wire.token}"
        return self.wire.ask(method, path, body, Authorization=token, **headers)

    def upload(self, body, **headers):
        sent = {"feature": "bulk-write", "X-CRM-ORG": ZGID, "Content-Type": FORM} | headers
        return self.ask("POST", "/crm/v8/upload", body, **{k: v for k, v in sent.items() if v is not None})

    def file(self, *rows, **options):
        return self.upload(form(archive(table(*rows, **options)))).body["details"]["file_id"]

    def create(self, file_id, module="Accounts", operation="upsert", find_by="GP_Customer_ID", **more):
        resource = {"type": "data", "module": {"api_name": module}, "file_id": file_id}
        if find_by:
            resource["find_by"] = find_by
        body = {"operation": operation, "resource": [resource | more]}
        return self.ask("POST", "/crm/bulk/v8/write", body)

    def start(self, *rows, **more):
        """The id of a new job for these rows, the headings first."""
        return self.create(self.file(*rows), **more).body["details"]["id"]

    def job(self, job_id):
        return self.ask("GET", f"/crm/bulk/v8/write/{job_id}").body

    def result(self, job_id):
        """The rows of the result, each by its headings."""
        url = self.job(job_id)["result"]["download_url"]
        answer = self.ask("GET", url.removeprefix(self.wire.simulator.url))
        return unpacked(answer.body)

    def read(self, query):
        return self.ask("POST", "/crm/bulk/v8/read", {"query": query, "file_type": "csv"})

    def read_job(self, job_id):
        return self.ask("GET", f"/crm/bulk/v8/read/{job_id}").body["data"][0]

    def exported(self, **query):
        """The rows of a bulk read of the accounts, each by its headings."""
        job_id = self.read({"module": {"api_name": "Accounts"}} | query).body["data"][0]["details"]["id"]
        self.end(job_id)
        url = self.read_job(job_id)["result"]["download_url"]
        return unpacked(self.ask("GET", url).body)

    def end(self, job_id, **fate):
        return self.wire.control("POST", "bulk/end", {"id": job_id, **fate})

    def done(self, *rows, **more):
        """The result of a job that has ended."""
        job_id = self.start(*rows, **more)
        self.end(job_id)
        return self.result(job_id)

    def forward(self, seconds):
        """So many seconds after the start."""
        self.wire.control("POST", "settings", {"clock_offset_seconds": seconds})

    def insert(self, name, **more):
        """An account by an ordinary call; its id."""
        return self.wire.insert("Accounts", {"Account_Name": name, **more}).ids[0]

    def rows(self, module="Accounts"):
        return self.wire.control("GET", f"records/{module}")["data"]

    def names(self):
        return [row["Account_Name"] for row in self.rows()]
