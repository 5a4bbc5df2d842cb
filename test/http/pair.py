# A primary with the extension and some events in it, and its standby.
from cluster import Cluster, Standby
from database import Database
from support import eventually

COUNT = 120


class Pair:
    """A primary with the extension and some events in it, and its standby."""

    def __init__(self, directory):
        self.primary = Cluster(directory)
        self.primary.start()
        try:
            self.database = Database(self.primary.server)
            self.database.insert({"event_group": "g", "event_type": "t", "status": "success"} for _ in range(COUNT))
            self.key = self.database.create_api_key("reads from anywhere")
            self.user = self.database.create_user("reads", "a password for anywhere")
            self.standby = Standby(self.primary)
        except BaseException:
            self.primary.remove()
            raise

    def hosts(self, *servers, **more):
        """A connection string with these servers in this order."""
        return self.database.conninfo(host=",".join(one["host"] for one in servers),
                                      port=",".join(one["port"] for one in servers), **more)

    def standby_has(self, statement):
        """Waits until the primary's changes so far are there."""
        eventually(lambda: self.on_standby(statement), f"replayed: {statement}")

    def on_standby(self, statement):
        session = self.database.connect(port=self.standby.server["port"])
        try:
            with session.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()[0][0]
        finally:
            session.close()

    def remove(self):
        self.standby.remove()
        self.primary.remove()
